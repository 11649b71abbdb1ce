using Conclave.Node.Http.Limits;
using Microsoft.AspNetCore.Connections;

namespace Conclave.Node.Http.Port;

/// <summary>
/// Connections that have not said anything yet. One too many costs the oldest its place: a client that wants something speaks at once, and one that
/// does not must not keep the others waiting. Thread safe.
/// </summary>
internal sealed class SilentConnections(int max, ClientRefusals refusals)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<ConnectionContext> _oldestFirst = [];   // under _gate

    public LinkedListNode<ConnectionContext> Add(ConnectionContext connection)
    {
        ConnectionContext? oldest = null;
        LinkedListNode<ConnectionContext> node;
        lock (_gate)
        {
            node = _oldestFirst.AddLast(connection);
            if (_oldestFirst.Count > max)
            {
                oldest = _oldestFirst.First!.Value;   // not null: there are several
                _oldestFirst.RemoveFirst();
            }
        }

        if (oldest is null) return node;
        refusals.Say(RefusalReason.SilentConnection, oldest.RemoteEndPoint, $"{max} newer connections have said nothing yet either");
        oldest.Abort(new ConnectionAbortedException("its place was needed"));
        return node;
    }

    /// <summary>It has spoken, or is gone.</summary>
    public void Remove(LinkedListNode<ConnectionContext> node)
    {
        lock (_gate)
        {
            if (node.List is not null) _oldestFirst.Remove(node);
        }
    }
}
