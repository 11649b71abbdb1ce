using static Conclave.Conformance.Tests.Comparing.KnownDifference;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Lock and Election.</summary>
internal static class OfRecipes
{
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("code of an unknown lease", ["lock/an unknown lease: grpc: 1 Lock $.code", "election/an unknown lease: grpc: 1 Campaign $.code"], "2", "5", "Lock and Campaign with an unknown lease are NotFound (5); etcd says Unknown (2) with the same text", "as everywhere else"),
        new("HTTP status of an unknown lease", ["lock/an unknown lease: json: 1 Lock $.status", "election/an unknown lease: json: 1 Campaign $.status"], "500", "404", "The same over JSON", "as everywhere else"),
        new("code of an unknown lease, JSON", ["lock/an unknown lease: json: 1 Lock $.body.code", "election/an unknown lease: json: 1 Campaign $.body.code"], "2", "5", "The same in the body", "as everywhere else"),
        new("code of a missing key",
            ["lock/unlock without a key: grpc: 1 Unlock $.code", "election/resign with an empty leader: grpc: 1 Resign $.code", "election/proclaim with an empty leader: grpc: 1 Proclaim $.code"],
            "2", "3", "Unlock, Resign and Proclaim without a key are InvalidArgument (3); etcd says Unknown (2) with the same text", "as everywhere else"),
        new("HTTP status of a missing key",
            ["lock/unlock without a key: json: 1 Unlock $.status", "election/resign with an empty leader: json: 1 Resign $.status", "election/proclaim with an empty leader: json: 1 Proclaim $.status"],
            "500", "400", "The same over JSON", "as everywhere else"),
        new("code of a missing key, JSON",
            ["lock/unlock without a key: json: 1 Unlock $.body.code", "election/resign with an empty leader: json: 1 Resign $.body.code", "election/proclaim with an empty leader: json: 1 Proclaim $.body.code"],
            "2", "3", "The same in the body", "as everywhere else"),
        new("a waiter without its key",
            ["lock/a waiter's own lease is revoked: *: 4 Lock $", "lock/a waiter's own key is deleted by hand: *: 4 Lock $", "election/a candidate's own lease is revoked: *: 4 Campaign $"],
            Any, Any, "Who waits for a lock or an election and loses the own key meanwhile is told `mutex: session is expired`; 3.4 says that it holds", "a lock must not be told to who has none (as 3.5 for locks)"),
        new("a lock asked for again",
            ["lock/the holder locks again: *", "lock/the one who waits locks again on another call: *", "election/the leader campaigns again with the same value: *", "election/the leader campaigns again with another value: *: 2 Campaign $.answer.header"],
            Any, Any, "Lock and Campaign with a lease that is in the queue already write the key again (version + 1, one revision); etcd only reads it",
            "the call that asked last holds the place, so one whose client went away cannot delete it"),
        new("revision of a campaign that waited",
            [
                "election/the second waits for the first: *: 5 Campaign $.answer.header", "election/three in the order they came: *: 3 Campaign $.answer.header", "election/three in the order they came: *: 6 Campaign $.answer.header",
                "election/the leader's lease is revoked: *: 3 Campaign $.answer.header", "election/observe a change of the leader: *: 4 Campaign $.answer.header",
            ],
            Any, Any, "The header of a campaign that waited tells the revision at which it won; etcd tells that at which it began to wait", "as for a lock"),
    ];
}
