using Conclave.Store.Leases;
using Conclave.Store.Tree;

namespace Conclave.Store.Sessions;

/// <summary>The last answer of a session.</summary>
internal sealed class SessionAnswer
{
    public SessionAnswer(long id, ulong sequence, StoreError error, long revision, byte[] body, string? user = null)
    {
        (Id, Sequence, Error, Revision, Body, User) = (id, sequence, error, revision, body, user);
        Key = new byte[LeaseTable.IdBytes];
        LeaseTable.WriteId(Key, id);
    }

    public long Id { get; }
    public ulong Sequence { get; }
    public StoreError Error { get; }
    public long Revision { get; }

    /// <summary>The response without its header; empty on error. Nobody changes it.</summary>
    public byte[] Body { get; }

    /// <summary>Whose command it was; null for one that came while auth was off.</summary>
    public string? User { get; }

    /// <summary>In the order of <see cref="LeaseTable.WriteId"/>.</summary>
    public byte[] Key { get; }
}

internal readonly struct SessionSlot : ITreeItem
{
    public static ReadOnlySpan<byte> KeyOf(object item) => ((SessionAnswer)item).Key;

    public static bool CountsAt(object item, long revision) => true;
}
