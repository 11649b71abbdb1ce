namespace Conclave.Compatibility.Tests.Support;

/// <summary>Every place where Conclave and the packaged etcd 3.4.23 rightly differ, with the reason. Nothing else may differ.</summary>
internal static class KnownDifferences
{
    private static readonly KnownDifference[] All =
    [
        new("(vectors: (11b|29|30) .*|leases: id in use)", @"\$\.status", "FailedPrecondition is HTTP 400 since 3.5, 412 before", "400"),
        new("vectors: 23 alarms", @"\$\.body\.header", "3.4 leaves the header out of Alarm answers"),
        new("vectors: 22 status", @"\$\.body\.(storageVersion|dbSizeQuota|downgradeInfo)", "fields of 3.6"),
        new("http: version", @"\$\.body\.storage", "3.6 tells the storage version too"),
        new("http: health", @"\$\.body\.reason", "3.5 and later give a reason, empty when healthy", "\"\""),
        new("http: health by POST", @"\$\.body", "the text of a 405 is free"),

        new("bad-json: (malformed|wrong type): .*", @"\$\.body\.(error|message)", "etcd passes on the words of Go's JSON decoder; status and code must agree"),
        new("bad-json: (wrong|lower case) enum", @"\$\.body\.(error|message)", "the words of 3.4's decoder; status and code must agree"),
        new("bad-json: unknown enum number", @"\$", "3.6 refuses a sort order that does not exist, 3.4 ignores it",
            """{"status":400,"body":{"error":"etcdserver: invalid sort option","message":"etcdserver: invalid sort option","code":3}}"""),
        new("bad-json: GET", @"\$", "405 with text in 3.4 and 3.5, 501 with code 12 since 3.6"),
        new("bad-json: alpha path", @"\$\.status", "/v3alpha is served as an alias, because packaged clients use it by default", "200"),
        new("bad-json: alpha path", @"\$\.body", "/v3alpha is served as an alias"),
        new("(bad-json: (unknown path|outside)|vectors: 31 .*)", @"\$\.body", "the text of a 404 is free; 3.6 answers JSON"),
        new("bad-json: malformed on a streaming path", @"\$", "3.4 answers 500 with code 2 there, though the client is at fault as on any other path"),

        new("bad-grpc: malformed: .*", @"\$\.message", "etcd passes on the words of Go's protobuf decoder; the code must agree"),
        new("bad-grpc: unknown (method|service)", @"\$\.message", "the words are the gRPC library's; clients look at the code"),
        new("bad-grpc: a path that is none", @"\$", "3.4's gRPC library says ResourceExhausted, which tells a client to wait; Unimplemented is what it means"),
        new("bad-grpc: larger than a message may be", @"\$\.message", "the words are the gRPC library's"),
        new("bad-grpc: wrong content type", @"\$", "3.4's gRPC library resets the stream without a word; an HTTP status is kinder"),

        new("recipes: 18 .*", @"\$\.status", "an unknown lease has the code that it has everywhere else; etcd's Lock service makes it Unknown", "404"),
        new("recipes: 18 .*", @"\$\.body\.code", "NotFound instead of Unknown", "5"),
    ];

    public static KnownDifference? Explaining(string line, string path) => All.FirstOrDefault(known => known.Covers(line, path));
}
