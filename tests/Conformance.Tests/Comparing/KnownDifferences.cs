namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Every place where Conclave and the packaged etcd 3.4.23 rightly differ. Nothing else may differ, and what is listed has to. docs/compatibility.md shows the same table.</summary>
internal static class KnownDifferences
{
    private const string Any = KnownDifference.Any, Absent = KnownDifference.Absent;

    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("sort order is checked",
            [
                "range/a sort order that does not exist: *: 1 Range $", "range/a negative sort order: *: 1 Range $", "txn/refusals: a sort order that does not exist: *: 1 Txn $",
            ],
            Any, Any, "A range with a sort order that does not exist: 3.4 ignores it (and a sort target that does not exist ends its process); Conclave refuses it with InvalidArgument `etcdserver: invalid sort option`.", "as 3.6"),
        new("limit after the sort",
            ["range/sort None by Create, two of four: *: 1 Range $.answer.kvs[1]"],
            Any, Any, "A range with a limit, sort order NONE and another target than KEY: etcd reads `limit` + 1 keys and sorts those; Conclave sorts the whole range and then cuts it, as both do for ASCEND.",
            "a limit must not decide what is smallest"),
        new("duplicates behind an open end",
            ["txn/duplicates: a put after the beginning of a range deleted onwards: *", "txn/duplicates: a put and a deletion of an empty range around it: *: begins"],
            Any, Any, "A transaction that puts a key and deletes a range with an open end (`\\0`) around it: etcd does not see that they meet and takes it; Conclave refuses it like any other put inside a deleted range.",
            "what the check is for"),
        new("hash at the compacted revision",
            ["compaction/the hash of what is compacted: grpc: 2 HashKV $"],
            Any, Any, "HashKV at exactly the compacted revision: 3.4 says compacted; Conclave answers, as for every other read.", "as 3.5.10 and later"),
    ];
}
