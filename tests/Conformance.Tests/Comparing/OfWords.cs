using static Conclave.Conformance.Tests.Comparing.KnownDifference;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Words that are those of Go's libraries and nobody's promise. Status and code still have to agree.</summary>
internal static class OfWords
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("words of the JSON decoder",
            [
                .. ((string[])["malformed: *: json: 1 put", "lease as *, which is none: json: 1 put", "value as *, which is no*: json: 1 put", "sort order *, which is none: json: 1 range", "flag *, which is none: json: 1 range",
                    "a list that is none: json: 1 txn", "a message that is none: json: 1 txn", "an unsigned id: json: *"]).SelectMany(place => (string[])[$"gateway/{place} $.body.error", $"gateway/{place} $.body.message"]),
            ],
            Any, Any, "What is wrong with malformed JSON is said in other words", "etcd passes on those of Go's decoder"),
        new("words of the protobuf decoder", ["grpc/malformed: *: grpc: * $.message", "grpc/an empty body: grpc: 1 range $.message", "grpc/half a frame: grpc: 1 range $.message", "grpc/a frame shorter than it says: grpc: 1 range $.message", "grpc/a compressed frame nobody announced: grpc: 1 range $.message"],
            Any, Any, "What is wrong with malformed protobuf or framing is said in other words", "etcd passes on those of Go's libraries"),
        new("text of a 404", ["gateway/path *, which is none: json: 1 post $.body"], Any, Any, "The body of a 404 below /v3 is JSON; 3.4 says `Not Found`", "as 3.6"),
    ];
}
