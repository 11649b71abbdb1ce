using Conclave.Node.Http.Limits;
using Microsoft.AspNetCore.Connections;

namespace Conclave.Node.Http.Port;

/// <summary>
/// Connections that have not said anything yet. One too many costs the oldest its place: a client that wants something speaks at once, and one that
/// does not must not keep the others waiting. Thread safe.
/// </summary>
/// <remarks>
/// When thousands come at once, as after a restart, what they said may be here and wait for a thread. So nobody loses the place in the first moment:
/// the next ones wait to be accepted meanwhile.
/// </remarks>
internal sealed class SilentConnections(int max, ClientRefusals refusals, TimeProvider time)
{
    /// <summary>Time to be heard that everybody gets: longer than a busy node takes to look, and so short that silent ones, however many, hold up the others little.</summary>
    internal static readonly TimeSpan Young = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly LinkedList<Silent> _oldestFirst = [];   // under _gate, as is the next
    private TaskCompletionSource? _room;

    /// <summary>Waits until there is a place, or the oldest has had its time.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (TimeToWait(out Task room) is { } wait)
        {
            try
            {
                await room.WaitAsync(wait, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Looked at again: the clock may be a little behind its timer.
            }
        }
    }

    public LinkedListNode<Silent> Add(ConnectionContext connection)
    {
        ConnectionContext? oldest = null;
        LinkedListNode<Silent> node;
        lock (_gate)
        {
            node = _oldestFirst.AddLast(new Silent(connection, time.GetTimestamp()));
            if (_oldestFirst.Count > max)
            {
                oldest = _oldestFirst.First!.Value.Connection;   // not null: there are several
                _oldestFirst.RemoveFirst();
            }
        }

        if (oldest is null) return node;
        refusals.Say(RefusalReason.SilentConnection, oldest.RemoteEndPoint, $"{max} newer connections have said nothing yet either");
        oldest.Abort(new ConnectionAbortedException("its place was needed"));
        return node;
    }

    /// <summary>It has spoken, or is gone.</summary>
    public void Remove(LinkedListNode<Silent> node)
    {
        TaskCompletionSource? room = null;
        lock (_gate)
        {
            if (node.List is null) return;
            _oldestFirst.Remove(node);
            (room, _room) = (_room, null);
        }

        room?.TrySetResult();
    }

    /// <returns>Null when the next one can come; else how long it may take, unless <paramref name="room"/> is done before.</returns>
    private TimeSpan? TimeToWait(out Task room)
    {
        lock (_gate)
        {
            room = Task.CompletedTask;
            if (_oldestFirst.Count < max) return null;
            TimeSpan left = Young - time.GetElapsedTime(_oldestFirst.First!.Value.Since);   // not null: there is at least one
            if (left <= TimeSpan.Zero) return null;
            room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            return left;
        }
    }

    /// <param name="Connection">Which.</param>
    /// <param name="Since">Time stamp.</param>
    internal readonly record struct Silent(ConnectionContext Connection, long Since);
}
