using System.Diagnostics;

namespace Conclave.Node.Consensus;

/// <summary>Linearizable reads wait here: one confirmation by the leader serves all reads that arrived before it was asked for.</summary>
/// <remarks>
/// While a round is under way further reads gather for the next one, so the number of rounds does not grow with the number of readers. When the
/// last round had several readers, the next one is not asked for at once either, but after the requests that have arrived by then. A round
/// that gets no answer is asked again; that is always safe for a read. Thread safe.
/// </remarks>
/// <param name="ask">Queues a question to the core.</param>
/// <param name="driver">Sets in motion what was queued.</param>
/// <param name="timeout">A read that nobody confirmed by then ends.</param>
internal sealed class ReadBarrier(Action<ulong> ask, IDriver driver, TimeSpan timeout)
{
    /// <summary>Silence after which a round is asked again: a lost message, or a leader that changed.</summary>
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();

    // Under _gate.
    private Round? _asked;       // waits for the leader
    private Round? _gathering;   // waits for _asked to end
    private readonly List<Round> _confirmed = [];   // wait for this node to apply up to their index
    private ulong _lastReadId;
    private ulong _applied;
    private int _readersBefore;   // of the round that was confirmed last
    private bool _stopped;
    private long _slowRounds;

    private sealed class Round
    {
        public readonly TaskCompletionSource<bool> Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public readonly long Created = Stopwatch.GetTimestamp();
        public int Readers;
        public ulong ReadId;
        public long Asked;
        public ulong Index;
    }

    /// <summary>Rounds that no leader confirmed in time.</summary>
    public long SlowRounds => Interlocked.Read(ref _slowRounds);

    /// <summary>Completes with true when a read of this node's state is linearizable; with false when nobody confirmed it in time.</summary>
    public Task<bool> WaitAsync()
    {
        Round round;
        bool first, quiet;
        lock (_gate)
        {
            if (_stopped) return Task.FromResult(false);
            first = _gathering is null && _asked is null;
            round = _gathering ??= new Round();
            round.Readers++;
            quiet = _readersBefore <= 1;
        }

        if (!first) return round.Done.Task;
        if (quiet)
        {
            AskGathered();
            driver.DriveHere();
        }
        else
        {
            driver.DriveSoon();
        }

        return round.Done.Task;
    }

    /// <summary>Asks for the round that gathers, unless one is under way.</summary>
    public void AskGathered()
    {
        ulong readId;
        lock (_gate)
        {
            if (_asked is not null || _gathering is null) return;
            (Round round, _gathering) = (_gathering, null);
            readId = AskUnderLock(round);
        }

        ask(readId);
    }

    /// <summary>The core's verdict; an id other than the one asked last is an answer to a round that was given up.</summary>
    public void OnVerdict(ulong readId, bool ready, ulong index)
    {
        Round? finished = null;
        ulong next = 0;
        lock (_gate)
        {
            // A refusal changes nothing here: the sweep asks again, by then a leader may be known.
            if (_asked is null || _asked.ReadId != readId || !ready) return;
            _asked.Index = index;
            _readersBefore = _asked.Readers;
            if (index <= _applied) finished = _asked;
            else _confirmed.Add(_asked);
            (Round? gathered, _asked, _gathering) = (_gathering, null, null);
            if (gathered is not null) next = AskUnderLock(gathered);
        }

        finished?.Done.SetResult(true);
        if (next != 0) ask(next);
    }

    /// <summary>This node's published state now includes that index.</summary>
    public void OnApplied(ulong index)
    {
        List<Round>? ready = null;
        lock (_gate)
        {
            _applied = index;
            for (int i = _confirmed.Count - 1; i >= 0; i--)
            {
                if (_confirmed[i].Index > index) continue;
                (ready ??= []).Add(_confirmed[i]);
                _confirmed.RemoveAt(i);
            }
        }

        if (ready is null) return;
        foreach (Round round in ready) round.Done.SetResult(true);
    }

    /// <summary>A leader is known again, or another one: no need to wait for the sweep.</summary>
    public void OnLeader()
    {
        ulong next = 0;
        lock (_gate)
        {
            if (_asked is not null) next = AskUnderLock(_asked);
        }

        if (next != 0) ask(next);
    }

    /// <summary>Asks again what got no answer, and gives up what is too old. Called a few times a second.</summary>
    public void Sweep()
    {
        ulong next = 0;
        List<Round>? late = null;
        lock (_gate)
        {
            for (int i = _confirmed.Count - 1; i >= 0; i--)
            {
                if (Stopwatch.GetElapsedTime(_confirmed[i].Created) < timeout) continue;
                (late ??= []).Add(_confirmed[i]);
                _confirmed.RemoveAt(i);
            }

            if (_gathering is not null && Stopwatch.GetElapsedTime(_gathering.Created) >= timeout)
            {
                (late ??= []).Add(_gathering);
                _gathering = null;
            }

            if (_asked is not null && Stopwatch.GetElapsedTime(_asked.Created) >= timeout)
            {
                (late ??= []).Add(_asked);
                _slowRounds++;
                (_asked, _gathering) = (_gathering, null);
                if (_asked is not null) next = AskUnderLock(_asked);
            }
            else if (_asked is not null && Stopwatch.GetElapsedTime(_asked.Asked) >= RoundTimeout)
            {
                next = AskUnderLock(_asked);
            }
        }

        foreach (Round round in late ?? []) round.Done.SetResult(false);
        if (next != 0) ask(next);
        AskGathered();
        driver.DriveSoon();
    }

    public void Stop()
    {
        List<Round> all;
        lock (_gate)
        {
            _stopped = true;
            all = [.. _confirmed];
            if (_asked is not null) all.Add(_asked);
            if (_gathering is not null) all.Add(_gathering);
            _confirmed.Clear();
            (_asked, _gathering) = (null, null);
        }

        foreach (Round round in all) round.Done.SetResult(false);
    }

    private ulong AskUnderLock(Round round)
    {
        _asked = round;
        round.Asked = Stopwatch.GetTimestamp();
        return round.ReadId = ++_lastReadId;
    }
}
