using System.Diagnostics;

namespace Conclave.Exhaustive;

/// <summary>What a search found.</summary>
internal sealed record Findings
{
    /// <summary>Different states, the first among them.</summary>
    public required long States { get; init; }

    public required int Depth { get; init; }

    /// <summary>Steps taken, also those that led to known states.</summary>
    public required long Steps { get; init; }

    /// <summary>Steps that led out of the bounds on terms or log.</summary>
    public required long Cut { get; init; }

    public required long NodeStates { get; init; }
    public required long Histories { get; init; }
    public required long MessagesSeen { get; init; }
    public required long Computed { get; init; }
    public required long Checked { get; init; }
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Nothing within the bounds is left: every reachable state was seen.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>What is broken; null when nothing is.</summary>
    public required string? Violation { get; init; }

    /// <summary>The shortest way to the violation, in words; empty without one.</summary>
    public required IReadOnlyList<string> Path { get; init; }
}

/// <summary>Visits every reachable state, breadth first, so that the first violation found is one with the fewest steps.</summary>
internal sealed class Explorer
{
    private readonly Bounds _bounds;
    private readonly Steps _steps;
    private readonly VisitedSet _visited = new();
    private readonly Ancestry _ancestry = new();
    private readonly TextWriter _output;
    private readonly Hash128[] _sums, _sumsAfterLoss;
    private readonly ClusterState _overfull;
    private StateQueue _current, _next;
    private long _taken;

    public Explorer(Bounds bounds, TextWriter output)
    {
        (_bounds, _output) = (bounds, output);
        _steps = new Steps(bounds);
        _overfull = _steps.First();
        _sums = new Hash128[_steps.Renamings.Length];
        _sumsAfterLoss = new Hash128[_steps.Renamings.Length];
        _current = new StateQueue(bounds.Nodes, bounds.Messages);
        _next = new StateQueue(bounds.Nodes, bounds.Messages);
    }

    public Findings Run()
    {
        var clock = Stopwatch.StartNew();
        ClusterState state = _steps.First(), next = _steps.First();
        ClusterState first = _steps.First();
        string? violation = new Prologue(_steps).Play(_bounds.Prologue, first);
        if (violation is not null) return Found(violation, [], 0, clock, complete: false);
        if (first.Messages.Count > _bounds.Messages) throw new ArgumentException($"{first.Messages.Count} messages are under way after the prologue, and --messages is {_bounds.Messages}. Drop some.");
        AddIfNew(first, SumsOf(first), -1, default);
        (_current, _next) = (_next, _current);
        var actions = new List<ClusterAction>();
        bool complete = true;
        int depth = 0;
        for (; _current.Count > 0; depth++)
        {
            if (depth == _bounds.Depth || _visited.Count >= _bounds.StatesMax)
            {
                complete = false;
                break;
            }
            for (int position = 0; position < _current.Count && _visited.Count < _bounds.StatesMax; position++)
            {
                int number = _current.Read(position, state, _steps.Nodes, _steps.Messages, _steps.Histories);
                _steps.Possible(state, actions);
                foreach (ClusterAction action in actions)
                {
                    if (!_steps.TryTake(state, action, next, out violation)) continue;
                    _taken++;
                    violation ??= Enqueue(next, number, action, next.History != state.History);
                    if (violation is not null) return Found(violation, PathTo(first, number, action), depth + 1, clock, complete: false);
                }
            }
            Report(depth + 1, clock);
            (_current, _next) = (_next, _current);
            _next.Clear();
        }
        return Found(null, [], depth, clock, complete);
    }

    /// <summary>Notes the state if it is new; when too much is under way in it, one state for every choice of what is lost.</summary>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    private string? Enqueue(ClusterState next, int parent, ClusterAction action, bool historyChanged)
    {
        int count = next.Messages.Count, excess = count - _bounds.Messages;
        ReadOnlySpan<Hash128> sums = SumsOf(next);
        if (excess <= 0) return AddIfNew(next, sums, parent, action) ? _steps.ProblemWith(next, action, historyChanged) : null;
        bool isNew = false;
        _overfull.CopyFrom(next);
        for (uint lost = (1u << excess) - 1; lost != 0; lost = Steps.NextLoss(lost, count))
        {
            sums.CopyTo(_sumsAfterLoss);
            next.Messages.Clear();
            for (int at = 0; at < count; at++)
            {
                KnownMessage message = _overfull.Messages[at];
                if ((lost >> at & 1) == 0) next.Messages.Add(message);
                else
                    for (int renaming = 0; renaming < _sumsAfterLoss.Length; renaming++) _sumsAfterLoss[renaming] -= message.Hashes[renaming];
            }
            isNew |= AddIfNew(next, _sumsAfterLoss, parent, action with { Lost = lost });
        }
        return isNew ? _steps.ProblemWith(next, action, historyChanged) : null;
    }

    private ReadOnlySpan<Hash128> SumsOf(ClusterState state)
    {
        state.Sum(_sums);
        return _sums;
    }

    private bool AddIfNew(ClusterState state, ReadOnlySpan<Hash128> sums, int parent, ClusterAction action)
    {
        if (!_visited.Add(ClusterState.Key(sums, state.Spent))) return false;
        _next.Add(_ancestry.Add(parent, action), state);
        return true;
    }

    private void Report(int depth, Stopwatch clock)
    {
        double seconds = clock.Elapsed.TotalSeconds;
        _output.WriteLine($"{depth,5} {_next.Count,12:N0} {_visited.Count,14:N0} {_taken,15:N0} {_steps.Nodes.Count,10:N0} {_visited.Count / seconds,12:N0} {seconds,8:F1} s {GC.GetTotalMemory(false) >> 20,7:N0} MB");
    }

    /// <summary>Takes the way again that led to a state, and puts it into words.</summary>
    private List<string> PathTo(ClusterState first, int number, ClusterAction last)
    {
        List<string> path = [];
        ClusterState state = _steps.First(), next = _steps.First();
        state.CopyFrom(first);
        foreach (ClusterAction action in _ancestry.PathTo(number).Append(last))
        {
            _steps.TryTake(state, action, next, out _);
            path.Add(Words.Of(state, action, next));
            Steps.Lose(next, action.Lost);
            (state, next) = (next, state);
        }
        return path;
    }

    private Findings Found(string? violation, IReadOnlyList<string> path, int depth, Stopwatch clock, bool complete) => new()
    {
        States = _visited.Count,
        Depth = depth,
        Steps = _taken,
        Cut = _steps.Cut,
        NodeStates = _steps.Nodes.Count,
        Histories = _steps.Histories.Count,
        MessagesSeen = _steps.Messages.Count,
        Computed = _steps.Nodes.Computed,
        Checked = _steps.Checked,
        Elapsed = clock.Elapsed,
        IsComplete = complete,
        Violation = violation,
        Path = path,
    };
}
