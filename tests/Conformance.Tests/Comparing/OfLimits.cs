using static Conclave.Conformance.Tests.Comparing.KnownDifference;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Where all versions of etcd do something that its own description does not say, or that harms who relies on it.</summary>
internal static class OfLimits
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("limit after the sort", ["range/sort None by Create, two of four: *: 1 Range $.answer.kvs[1]"], Any, Any,
            "With a limit, sort order NONE and another target than KEY etcd reads `limit` + 1 keys and sorts those; Conclave sorts the whole range and then cuts it, as both do for ASCEND", "a limit must not decide what is smallest"),
        new("duplicates behind an open end", ["txn/duplicates: a put after the beginning of a range deleted onwards: *"], Any, Any,
            "A transaction that puts a key and deletes an open range (`\\0`) around it is refused like any other put inside a deleted range; etcd does not see that they meet", "what the check is for"),
        new("nested puts without space", ["maintenance/no space: a transaction with a nested put: *"], Any, Any, "With the NOSPACE alarm a nested put is refused like any other; etcd counts the puts of the top level alone", "what the alarm is for"),
        new("alarms of one member", ["maintenance/alarms are listed by kind and by member: grpc: *"], Any, Any, "Alarm GET with a member id lists the alarms of that member, as the protocol says; etcd lists those of all", "what the protocol says"),
        new("what remains of a snapshot", ["maintenance/a snapshot is blobs and a checksum behind them: *: 3 remaining_bytes counts down to the checksum $"], "true", "false",
            "`remaining_bytes` counts the checksum too, and is 0 in the last message alone; etcd says 0 before it", "who stops at 0 has a whole file"),
        new("a bad URL before an unknown member", ["cluster/a bad URL comes before an unknown id: *: 1 MemberUpdate $"], Any, Any,
            "MemberUpdate checks its URLs; etcd does not, and a member with a bad or no URL ends its processes at every start", "must not be possible"),
        new("/v3alpha", ["gateway/path /v3alpha/kv/range: json: 1 range $"], Any, Any, "/v3alpha is an alias of /v3; it is gone since 3.4", "packaged clients (tooz, etcd3gw) use it by default"),
        new("malformed JSON on a streaming path", ["gateway/watch: malformed *: json: 1 Watch $[0]", "gateway/keepalive: malformed: json: 1 LeaseKeepAlive $[0]"], Any, Any,
            "Malformed JSON is 400 with code 3 on streaming paths too; etcd says 500 with code 2", "the client is at fault, as on any other path"),
        new("a negative deadline", ["gateway/the deadline '-1S', which is none: json: 1 -1S $"], "504", "400", "A negative Grpc-Timeout is refused as malformed; etcd says that it has passed", "the format has no sign"),
        new("two slashes", ["gateway/path /v3//kv/range, which is none: json: 1 post $"], Any, Any, "A path with two slashes is 404; etcd says 405", "it is no path of a call"),
        new("a frame that is cut short", ["grpc/an empty body: grpc: 1 range $.code", "grpc/half a frame: grpc: 1 range $.code", "grpc/a frame shorter than it says: grpc: 1 range $.code"], "2", "13",
            "A gRPC body without a whole message is Internal (13); etcd's library says Unknown (2)", "as later gRPC libraries"),
        new("compression that nobody announced", ["grpc/a compressed frame nobody announced: grpc: 1 range $.code"], "13", "12", "A compressed message is Unimplemented (12), also without a word on the encoding; etcd's library then says Internal (13)", "says what to change"),
        new("gRPC to a path that is no method", ["grpc/path /nothing, which is no method: grpc: 1 call $.code", "grpc/path /, which is no method: grpc: 1 call $.code"], "8", "12",
            "A gRPC path that is no service and method is Unimplemented (12); 3.4's library says ResourceExhausted (8)", "8 tells clients to wait"),
        new("text where a number belongs", ["grpc/malformed: text where a number belongs: grpc: 1 put $"], Any, Any, "A field with another wire type than its own is passed over like an unknown field; etcd's library refuses the message", "as protobuf describes it"),
    ];
}
