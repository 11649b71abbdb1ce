using Conclave.Wire.Etcd.Etcdserverpb;
using Target = Conclave.Wire.Etcd.Etcdserverpb.Compare.Types.CompareTarget;

namespace Conclave.Client;

/// <summary>How a condition compares what is stored with what is given.</summary>
public enum Relation
{
    Equal = 0,
    Greater = 1,
    Less = 2,
    NotEqual = 3,
}

/// <summary>
/// One condition of a transaction. Given a range, it must hold for every key in it. For a key that does not exist version,
/// revisions and lease are 0, and a condition on its value never holds.
/// </summary>
public sealed class Condition
{
    private Condition(Compare wire, KeyRange range, Relation relation, Target target)
    {
        wire.Key = range.Key.ToByteString();
        wire.RangeEnd = range.End.ToByteString();
        wire.Result = (Compare.Types.CompareResult)relation;
        wire.Target = target;
        Wire = wire;
    }

    internal Compare Wire { get; }

    /// <summary>The key exists.</summary>
    public static Condition Exists(Bytes key) => Version(key, Relation.Greater, 0);

    /// <summary>The key does not exist.</summary>
    public static Condition Missing(Bytes key) => Version(key, Relation.Equal, 0);

    /// <summary>The key has not been written since this revision was read from it.</summary>
    public static Condition Unchanged(Bytes key, long modRevision) => ModRevision(key, Relation.Equal, modRevision);

    /// <summary>Compares the value, byte by byte.</summary>
    public static Condition Value(KeyRange range, Relation relation, Bytes value) =>
        new(new Compare { Value = value.ToByteString() }, range, relation, Target.Value);

    /// <summary>Compares the number of writes since the key was created.</summary>
    public static Condition Version(KeyRange range, Relation relation, long version) =>
        new(new Compare { Version = version }, range, relation, Target.Version);

    /// <summary>Compares the revision that created the key.</summary>
    public static Condition CreateRevision(KeyRange range, Relation relation, long revision) =>
        new(new Compare { CreateRevision = revision }, range, relation, Target.Create);

    /// <summary>Compares the revision that last wrote the key.</summary>
    public static Condition ModRevision(KeyRange range, Relation relation, long revision) =>
        new(new Compare { ModRevision = revision }, range, relation, Target.Mod);

    /// <summary>Compares the key's lease.</summary>
    public static Condition Lease(KeyRange range, Relation relation, long leaseId) =>
        new(new Compare { Lease = leaseId }, range, relation, Target.Lease);
}
