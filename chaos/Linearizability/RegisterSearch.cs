using System.Text;

namespace Conclave.Linearizability;

/// <summary>The search on one register.</summary>
/// <remarks>
/// Calls and returns form a list in order of time. The search walks it: a call may be made to take effect now if the register's
/// value allows what the operation saw; then call and return leave the list and the walk starts again. Meeting a return means
/// that its operation should have taken effect earlier: the last choice is taken back. An operation of unknown outcome has no return,
/// so it may take effect at any time after its call, or never.
/// </remarks>
internal sealed class RegisterSearch
{
    private const int ExplainedOperationsMax = 12;
    private readonly Operation[] _operations;
    private readonly int[] _value, _expected, _observed;
    private readonly List<string?> _values = [null];
    private readonly Dictionary<string, int> _valueIds = new(StringComparer.Ordinal);
    private readonly int _initial;

    // The list: event 2i is the call of operation i, 2i + 1 its return. Index _head is before the first.
    private readonly int[] _next, _previous;
    private readonly int _head;
    private int _knownLeft;

    private readonly List<(int Operation, int ValueBefore)> _order = [];
    private readonly List<(int Operation, int ValueBefore)> _longest = [];
    private int _valueAfterLongest, _sharedWithLongest;

    public RegisterSearch(Operation[] operations, string? initial)
    {
        _initial = IdOf(initial);
        // A read without an answer says nothing.
        _operations = [.. operations.Where(operation => operation.Outcome == OperationOutcome.Known || operation.Kind != OperationKind.Get).OrderBy(operation => operation.Called)];
        _value = [.. _operations.Select(operation => IdOf(operation.Value))];
        _expected = [.. _operations.Select(operation => IdOf(operation.Expected))];
        _observed = [.. _operations.Select(operation => IdOf(operation.Observed))];
        _knownLeft = _operations.Count(operation => operation.Outcome == OperationOutcome.Known);
        _head = 2 * _operations.Length;
        (_next, _previous) = (new int[_head + 1], new int[_head + 1]);
        BuildList();
    }

    public long StatesExplored { get; private set; }

    public VerdictKind Run(long statesMax)
    {
        HashSet<(UInt128 Done, int Value)> visited = [];
        UInt128 done = 0;
        int value = _initial;
        _valueAfterLongest = value;
        int at = _next[_head];
        while (_knownLeft > 0)
        {
            bool isCall = at != _head && (at & 1) == 0;
            if (isCall && TryApply(at >> 1, value, out int after) && visited.Add((done ^ HashOf(at >> 1), after)))
            {
                if (++StatesExplored > statesMax)
                    return VerdictKind.Undecided;
                _order.Add((at >> 1, value));
                (done, value) = (done ^ HashOf(at >> 1), after);
                Take(at >> 1);
                NoteLongest(value);
                at = _next[_head];
            }
            else if (isCall)
            {
                at = _next[at];
            }
            else
            {
                // A return, or the end of the list: somebody's turn was missed, so the last choice was wrong.
                if (_order.Count == 0)
                    return VerdictKind.NotLinearizable;
                (int operation, int before) = _order[^1];
                _order.RemoveAt(_order.Count - 1);
                _sharedWithLongest = Math.Min(_sharedWithLongest, _order.Count);
                (done, value) = (done ^ HashOf(operation), before);
                PutBack(operation);
                at = _next[2 * operation];
            }
        }
        return VerdictKind.Linearizable;
    }

    private bool TryApply(int operation, int value, out int after)
    {
        Operation op = _operations[operation];
        bool isKnown = op.Outcome == OperationOutcome.Known;
        after = value;
        switch (op.Kind)
        {
            case OperationKind.Get:
                return value == _observed[operation];
            case OperationKind.Put:
                after = _value[operation];
                return true;
            case OperationKind.Delete:
                after = 0;
                return !isKnown || op.Succeeded == (value != 0);
            default:
                bool swaps = value == _expected[operation];
                if (swaps)
                    after = _value[operation];
                // Of unknown outcome it matters only where it swaps.
                return isKnown ? swaps == op.Succeeded : swaps;
        }
    }

    /// <summary>How far the best order got, and why nothing could follow it.</summary>
    public string Explain()
    {
        var text = new StringBuilder();
        text.AppendLine($"{_operations.Length} operations; the best order explains {_longest.Count} of them. It ends:");
        foreach ((int operation, int before) in _longest.TakeLast(ExplainedOperationsMax))
            text.AppendLine($"    holding {Show(before)}: {_operations[operation]}");
        text.AppendLine($"The register then holds {Show(_valueAfterLongest)}, and none of these can be next:");
        HashSet<int> placed = [.. _longest.Select(each => each.Operation)];
        int[] left = [.. Enumerable.Range(0, _operations.Length).Where(operation => !placed.Contains(operation))];
        long deadline = left.Select(operation => ReturnOf(_operations[operation])).DefaultIfEmpty(long.MaxValue).Min();
        foreach (int operation in left.Where(operation => _operations[operation].Called <= deadline).Take(ExplainedOperationsMax))
            text.AppendLine($"    {_operations[operation]}{(TryApply(operation, _valueAfterLongest, out _) ? "  (possible, but leads nowhere)" : "")}");
        return text.ToString();
    }

    private string Show(int value) => Operation.Show(_values[value]);

    /// <summary>Copies only what has changed since the last copy, or long histories would cost the square of their length.</summary>
    private void NoteLongest(int value)
    {
        if (_order.Count <= _longest.Count)
            return;
        _longest.RemoveRange(_sharedWithLongest, _longest.Count - _sharedWithLongest);
        for (int i = _sharedWithLongest; i < _order.Count; i++)
            _longest.Add(_order[i]);
        (_valueAfterLongest, _sharedWithLongest) = (value, _order.Count);
    }

    private int IdOf(string? value)
    {
        if (value is null)
            return 0;
        if (!_valueIds.TryGetValue(value, out int id))
        {
            _valueIds.Add(value, id = _values.Count);
            _values.Add(value);
        }
        return id;
    }

    private void BuildList()
    {
        List<(long Time, int Event)> events = [];
        for (int i = 0; i < _operations.Length; i++)
        {
            Operation operation = _operations[i];
            events.Add((operation.Called, 2 * i));
            if (operation.Outcome == OperationOutcome.Unknown)
                continue;
            if (operation.Returned < operation.Called)
                throw new ArgumentException($"An operation returns before it is called: {operation}");
            events.Add((operation.Returned, (2 * i) + 1));
        }
        // At one and the same moment calls come first: then the two overlap, which allows more orders and blames nobody wrongly.
        events.Sort((a, b) => a.Time != b.Time ? a.Time.CompareTo(b.Time) : (a.Event & 1) != (b.Event & 1) ? (a.Event & 1) - (b.Event & 1) : a.Event - b.Event);
        int last = _head;
        foreach ((_, int each) in events)
        {
            (_next[last], _previous[each]) = (each, last);
            last = each;
        }
        (_next[last], _previous[_head]) = (_head, last);
    }

    private void Take(int operation)
    {
        Unlink(2 * operation);
        if (_operations[operation].Outcome == OperationOutcome.Known)
        {
            Unlink((2 * operation) + 1);
            _knownLeft--;
        }
    }

    /// <summary>Undoes the last <see cref="Take"/>: the removed events still know their neighbours.</summary>
    private void PutBack(int operation)
    {
        if (_operations[operation].Outcome == OperationOutcome.Known)
        {
            Relink((2 * operation) + 1);
            _knownLeft++;
        }
        Relink(2 * operation);
    }

    private void Unlink(int each) => (_next[_previous[each]], _previous[_next[each]]) = (_next[each], _previous[each]);

    private void Relink(int each) => (_next[_previous[each]], _previous[_next[each]]) = (each, each);

    private static long ReturnOf(Operation operation) => operation.Outcome == OperationOutcome.Known ? operation.Returned : long.MaxValue;

    /// <summary>A fixed random-looking number per operation; a set of operations has the exclusive or of its members'.</summary>
    private static UInt128 HashOf(int operation) => new(Mix((ulong)operation * 2), Mix(((ulong)operation * 2) + 1));

    private static ulong Mix(ulong x)   // SplitMix64
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
