namespace Conclave.Node.Http.Limits;

/// <summary>Bytes that large answers of reads may take, and the reads that wait for some. Thread safe.</summary>
/// <remarks>
/// One address after the other gets its turn, and within an address who came first. A read that waits holds nothing of an answer, so that all that is held is on its way to
/// a client, and room comes as clients take it. Whose turn it is keeps room free by that nobody behind it gets any, but only for <see cref="HoldUpMax"/>: one
/// client that takes nothing, and one large read that waits for it, must not keep all the others waiting.
/// </remarks>
/// <param name="max">Bytes; 0 is no limit.</param>
/// <param name="time">For how long somebody waits.</param>
internal sealed class AnswerRoom(long max, TimeProvider time)
{
    /// <summary>So long after it came, a read may keep others waiting that would find room.</summary>
    internal static readonly TimeSpan HoldUpMax = TimeSpan.FromSeconds(1);

    /// <summary>Reads that may wait at a time.</summary>
    private const long WaitingMax = 10_000;

    private readonly FairBound _bytes = new(max);
    private readonly FairBound _waiting = new(WaitingMax);
    private readonly Lock _gate = new();

    // Under _gate: the addresses with somebody who waits, the next first.
    private readonly LinkedList<Line> _turns = [];
    private readonly Dictionary<ClientShare, Line> _lines = [];
    private ITimer? _timer;

    /// <summary>Reads that wait.</summary>
    public long Waiting => _waiting.Total;

    /// <summary>Takes so much more in any case: for what was done already and has to be answered.</summary>
    public void Take(ClientShare client, long more) => _bytes.Take(ref client.AnswerBytes, more);

    /// <summary>Takes so much more, if it is there and nobody has waited for it longer.</summary>
    /// <param name="client">Who gets the answer.</param>
    /// <param name="more">Bytes.</param>
    /// <param name="inAll">So large it is with them. An answer that is alone may be as large as it likes: nothing is gained by refusing it.</param>
    public bool TryTake(ClientShare client, long more, long inAll)
    {
        bool isNew = more == inAll;
        if (isNew && _waiting.Total > 0 && (Volatile.Read(ref client.AnswersWaiting) > 0 || Volatile.Read(ref client.AnswerBytes) > 0)) return false;
        if (_bytes.Take(ref client.AnswerBytes, more) || _bytes.Total <= inAll) return true;
        GiveBack(client, more);
        return false;
    }

    public void GiveBack(ClientShare client, long bytes)
    {
        _bytes.GiveBack(ref client.AnswerBytes, bytes);
        if (_waiting.Total > 0) Grant();   // read after the bytes are back: whoever begins to wait now sees them
    }

    /// <summary>Waits until so much is there, and takes it.</summary>
    /// <returns>False when the time was over before, or too many wait.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; nothing was taken.</exception>
    public async ValueTask<bool> WaitAsync(ClientShare client, long bytes, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (!_waiting.TryTake(ref client.AnswersWaiting, 1)) return false;
        var waiter = new Waiter(bytes, time.GetTimestamp());
        LinkedListNode<Waiter> place;
        lock (_gate) place = LineOfUnderLock(client).Waiters.AddLast(waiter);
        try
        {
            Grant();
            return await waiter.Granted.Task.WaitAsync(limit, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // It may have been granted in this moment.
            if (!waiter.Granted.TrySetResult(false)) _bytes.GiveBack(ref client.AnswerBytes, bytes);
            if (e is OperationCanceledException) throw;
            return false;
        }
        finally
        {
            _waiting.GiveBack(ref client.AnswersWaiting, 1);
            lock (_gate) place.List?.Remove(place);
            if (_waiting.Total > 0) Grant();   // it may have been in the way of others
        }
    }

    private void Grant()
    {
        lock (_gate)
        {
            TimeSpan held = TimeSpan.Zero;   // until somebody no longer keeps others waiting
            LinkedListNode<Line>? turn = _turns.First;
            while (turn is not null)
            {
                LinkedListNode<Line>? next = turn.Next;
                Line line = turn.Value;
                if (line.Waiters.First is null)
                {
                    _turns.Remove(turn);
                    _lines.Remove(line.Client);
                }
                else if (TryGrantUnderLock(line, out TimeSpan toOwn, out TimeSpan toOthers))
                {
                    line.Since = time.GetTimestamp();
                    _turns.Remove(turn);
                    _turns.AddLast(turn);
                    next ??= turn;
                }
                else
                {
                    held = Sooner(held, toOwn);
                    if (toOthers > TimeSpan.Zero)
                    {
                        held = Sooner(held, toOthers);
                        break;
                    }
                }

                turn = next;
            }

            if (held > TimeSpan.Zero) WakeUnderLock(held);
        }
    }

    /// <summary>Gives room to the first of a line for whom there is some, unless one before it may keep it waiting.</summary>
    /// <param name="line">With at least one who waits.</param>
    /// <param name="toOwn">So long the rest of the line is kept waiting.</param>
    /// <param name="toOthers">So long the lines behind are.</param>
    private bool TryGrantUnderLock(Line line, out TimeSpan toOwn, out TimeSpan toOthers)
    {
        (toOwn, toOthers) = (TimeSpan.Zero, TimeSpan.Zero);
        long least = long.MaxValue;   // for as much there was no room just now
        for (LinkedListNode<Waiter>? place = line.Waiters.First; place is not null; place = place.Next)
        {
            Waiter waiter = place.Value;
            if (waiter.Bytes >= least) continue;
            if (TryTakeUnderLock(line.Client, waiter.Bytes))
            {
                line.Waiters.Remove(place);
                if (!waiter.Granted.TrySetResult(true)) _bytes.GiveBack(ref line.Client.AnswerBytes, waiter.Bytes);   // went away just now
                return true;
            }

            least = waiter.Bytes;
            // What finds room only when nobody else holds any would have to keep all room free: it waits for such a moment to come by itself.
            if (waiter.Bytes > max - max / 4) continue;
            toOwn = HoldUpMax - time.GetElapsedTime(waiter.Since);
            if (toOwn <= TimeSpan.Zero) continue;
            // What its own address holds is not what the others wait for. A line that had its turn is behind the others, whoever is first in it now.
            if (Volatile.Read(ref line.Client.AnswerBytes) == 0)
                toOthers = TimeSpan.FromTicks(Math.Min(toOwn.Ticks, (HoldUpMax - time.GetElapsedTime(line.Since)).Ticks));
            return false;
        }

        toOwn = TimeSpan.Zero;
        return false;
    }

    private static TimeSpan Sooner(TimeSpan held, TimeSpan other) =>
        other > TimeSpan.Zero && (held == TimeSpan.Zero || other < held) ? other : held;

    /// <summary>Nobody need give anything back in the moment when somebody no longer keeps others waiting.</summary>
    private void WakeUnderLock(TimeSpan after)
    {
        _timer ??= time.CreateTimer(static room => ((AnswerRoom)room!).Grant(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);   // not null: this
        _timer.Change(after + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private bool TryTakeUnderLock(ClientShare client, long bytes)
    {
        if (_bytes.Take(ref client.AnswerBytes, bytes) || _bytes.Total <= bytes) return true;
        _bytes.GiveBack(ref client.AnswerBytes, bytes);
        return false;
    }

    private Line LineOfUnderLock(ClientShare client)
    {
        if (_lines.TryGetValue(client, out Line? line)) return line;
        _lines.Add(client, line = new Line(client) { Since = time.GetTimestamp() });
        _turns.AddLast(line);
        return line;
    }

    private sealed class Line(ClientShare client)
    {
        public ClientShare Client => client;

        /// <summary>When it came to its place among the lines: so those before it came there earlier.</summary>
        public long Since { get; set; }

        public LinkedList<Waiter> Waiters { get; } = [];
    }

    private sealed class Waiter(long bytes, long since)
    {
        public long Bytes => bytes;

        public long Since => since;

        public TaskCompletionSource<bool> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
