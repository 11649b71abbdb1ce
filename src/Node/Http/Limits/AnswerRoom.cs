namespace Conclave.Node.Http.Limits;

/// <summary>Bytes that large answers of reads may take, and the reads that wait for some. Thread safe.</summary>
/// <remarks>
/// One address after the other gets its turn, and within an address who came first. A read that waits holds nothing of an answer, so that all that is held is on its way to
/// a client, and room comes as clients take it.
/// </remarks>
/// <param name="max">Bytes; 0 is no limit.</param>
internal sealed class AnswerRoom(long max)
{
    /// <summary>Reads that may wait at a time.</summary>
    private const long WaitingMax = 10_000;

    private readonly FairBound _bytes = new(max);
    private readonly FairBound _waiting = new(WaitingMax);
    private readonly Lock _gate = new();

    // Under _gate: the addresses with somebody who waits, the next first.
    private readonly LinkedList<Line> _turns = [];
    private readonly Dictionary<ClientShare, Line> _lines = [];

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
    public async ValueTask<bool> WaitAsync(ClientShare client, long bytes, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!_waiting.TryTake(ref client.AnswersWaiting, 1)) return false;
        var waiter = new Waiter(bytes);
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
            LinkedListNode<Line>? turn = _turns.First;
            while (turn is not null)
            {
                LinkedListNode<Line>? next = turn.Next;
                Line line = turn.Value;
                if (line.Waiters.First is not { Value: var first })
                {
                    _turns.Remove(turn);
                    _lines.Remove(line.Client);
                }
                else if (TryTakeUnderLock(line.Client, first.Bytes))
                {
                    line.Waiters.RemoveFirst();
                    if (!first.Granted.TrySetResult(true)) _bytes.GiveBack(ref line.Client.AnswerBytes, first.Bytes);   // went away just now
                    _turns.Remove(turn);
                    _turns.AddLast(turn);
                    next ??= turn;
                }
                else if (Volatile.Read(ref line.Client.AnswerBytes) == 0)
                {
                    return;   // it waits for what others hold: those behind it must not take that again and again
                }

                turn = next;
            }
        }
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
        _lines.Add(client, line = new Line(client));
        _turns.AddLast(line);
        return line;
    }

    private sealed class Line(ClientShare client)
    {
        public ClientShare Client => client;

        public LinkedList<Waiter> Waiters { get; } = [];
    }

    private sealed class Waiter(long bytes)
    {
        public long Bytes => bytes;

        public TaskCompletionSource<bool> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
