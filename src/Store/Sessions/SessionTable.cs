using Conclave.Store.Leases;
using Conclave.Store.Tree;

namespace Conclave.Store.Sessions;

/// <summary>The last answers of the sessions, by lease id. The writer's side; its roots are for views.</summary>
internal sealed class SessionTable
{
    /// <summary>What an answer costs beside its body, about.</summary>
    private const int OverheadBytes = 128;

    private readonly CowTree<SessionSlot> _answers = new();

    /// <summary>What all answers cost.</summary>
    public long SizeBytes { get; private set; }

    public TreeNode? Publish() => _answers.Publish();

    /// <summary>The last answer of a session; null for one that has given none.</summary>
    public SessionAnswer? Find(long id)
    {
        Span<byte> key = stackalloc byte[LeaseTable.IdBytes];
        LeaseTable.WriteId(key, id);
        return (SessionAnswer?)TreeReader<SessionSlot>.Find(_answers.Root, key);
    }

    public void Keep(SessionAnswer answer)
    {
        if (_answers.Seek(answer.Key) is SessionAnswer previous)
        {
            SizeBytes -= Cost(previous);
            _answers.Replace(answer, weightChange: 0);
        }
        else
        {
            _answers.Insert(answer, 1);
        }

        SizeBytes += Cost(answer);
    }

    /// <summary>The lease is gone, and with it the session, if it was one.</summary>
    public void Remove(long id)
    {
        Span<byte> key = stackalloc byte[LeaseTable.IdBytes];
        LeaseTable.WriteId(key, id);
        if (_answers.Seek(key) is not SessionAnswer answer)
            return;
        SizeBytes -= Cost(answer);
        _answers.Remove(1);
    }

    /// <summary>All answers below a published root, by id.</summary>
    public static IEnumerable<SessionAnswer> All(TreeNode? root)
    {
        var cursor = new TreeCursor<SessionSlot>(root);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            TreeLeaf leaf = cursor.Leaf!;
            for (int i = 0; i < leaf.Count; i++)
                yield return (SessionAnswer)leaf.Slots[i];
        }
    }

    private static int Cost(SessionAnswer answer) => answer.Body.Length + OverheadBytes;
}
