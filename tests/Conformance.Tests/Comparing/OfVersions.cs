using static Conclave.Conformance.Tests.Comparing.KnownDifference;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Where etcd itself changed after 3.4, and Conclave answers as the later ones.</summary>
internal static class OfVersions
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("HTTP status of FailedPrecondition", ["lease/*: json: * $.status", "cluster/*: json: * $.status", "maintenance/*: json: * $.status", "auth-management/*: json: * $.status"],
            "412", "400", "JSON answers with gRPC code 9 have HTTP status 412 in 3.4, 400 in Conclave", "as 3.5 and later"),
        new("header of alarms", ["maintenance/*: * Alarm $.answer.header", "gateway/an alarm and its kind by number: json: 1 alarm $.answer.header"],
            Absent, "\"r+0\"", "Alarm answers have a header", "as 3.5 and later"),
        new("fields of a status", ["maintenance/*: *: * Status $.answer.storageVersion"], Absent, "\"3.6.0\"", "Status tells `storageVersion`", "as 3.6"),
        new("quota in a status", ["maintenance/*: *: * Status $.answer.dbSizeQuota"], Absent, "\"<n>\"", "Status tells `dbSizeQuota`", "as 3.6"),
        new("revision of a hash", ["maintenance/*: grpc: * HashKV $.answer.hash_revision"], Absent, Any, "HashKV tells `hash_revision`", "as 3.6"),
        new("hash at the compacted revision", ["compaction/the hash of what is compacted: grpc: 2 HashKV $"], Any, Any, "HashKV of exactly the compacted revision is answered; 3.4 says `required revision has been compacted`", "fixed in later versions"),
        new("reason in /health", ["maintenance/health: json: * $.body.reason"], Absent, Any, "/health has a `reason`, empty when healthy", "as 3.5 and later"),
        new("sort order is checked",
            ["range/a sort order that does not exist: *: 1 Range $", "range/a negative sort order: *: 1 Range $", "txn/refusals: a sort order that does not exist: *: 1 Txn $"],
            Any, Any, "A sort order that does not exist is refused with `invalid sort option`; 3.4 ignores it (and a sort target that does not exist ends its process)", "as 3.6"),
        new("watch from below zero", ["watch/a start below zero: *: 1 Watch $[0]"], Any, Any, "A watch from a revision below zero is cancelled as compacted; 3.4 creates it", "as 3.5.24, 3.6.6 and later"),
        new("deletion at the compacted revision", ["watch/compacted: a start at it, a deletion: *: 2 Watch $[0].events"], Any, Any,
            "A watch from exactly the compacted revision tells a deletion made in it; 3.4 loses it", "etcd issue 19179, fixed in later versions"),
        new("URL-safe and unpadded base64", ["gateway/value as '*', URL-safe or without padding: json: 1 put $"], Any, Any, "Bytes in JSON may be in the URL-safe alphabet and without padding; 3.4 refuses that", "as 3.6"),
        new("line breaks in base64", ["gateway/value as 'YQ\\n==', which is no base64: json: 1 put $"], Any, Any, "A line break inside base64 is refused; 3.4 passes over it", "as 3.6"),
        new("lists where bytes belong", ["gateway/value as [], which is no text: json: 1 put $", "gateway/value as [1,2], which is no text: json: 1 put $"], Any, Any, "A JSON list of numbers is no bytes; 3.4 takes it", "as 3.6"),
        new("whole numbers with a point or an exponent",
            ["gateway/lease as 1e2, which is none: json: 1 put $", "gateway/lease as \"1e2\", which is none: json: 1 put $", "gateway/lease as 1.0, which is none: json: 1 put $"],
            Any, Any, "`1e2` and `1.0` are whole numbers in JSON; 3.4 refuses them", "as 3.6"),
        new("blanks in a quoted number", ["gateway/lease as \" 1\", which is none: json: 1 put $"], Any, Any, "A blank in a quoted number is refused; 3.4 passes over it", "as 3.6"),
        new("learners that forget what they are", ["cluster/a learner's URL is changed: *: 1 MemberUpdate $.answer.members[0].isLearner", "cluster/a learner's URL is changed: *: 2 MemberList $.answer.members[0].isLearner"],
            Absent, "true", "A learner whose URLs are changed stays a learner; 3.4 then lists it as a voter", "it is still a learner"),
    ];
}
