using Conclave.Linearizability;
using Conclave.Processes.Checks;
using Conclave.Processes.Rpc;
using Conclave.Processes.Sessions;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Compatibility.Tests;

/// <summary>The checks after a kill run find what they are for: each kind of damage is planted once.</summary>
public sealed class KillCheckTests
{
    private static readonly UniqueWrite Single = new(["unique/1/1/0"], "1-1", RpcOutcome.Acknowledged, 10);
    private static readonly UniqueWrite Transaction = new(["unique/1/2/0", "unique/1/2/1", "unique/1/2/2"], "1-2", RpcOutcome.Acknowledged, 11);

    private static KeyValue Stored(string key, string value, long revision) => new()
    {
        Key = ByteString.CopyFromUtf8(key),
        Value = ByteString.CopyFromUtf8(value),
        CreateRevision = revision,
        ModRevision = revision,
        Version = 1,
    };

    private static FinalState Holding(params KeyValue[] keys) => new(99, [keys.ToDictionary(each => each.Key.ToStringUtf8())]);

    private static KeyValue[] AllOf(UniqueWrite write) => [.. write.Keys.Select(key => Stored(key, write.Value, write.Revision))];

    private static RevisionPoint Point(int session, long called, long returned, long revision, bool isWrite = false) => new(session, called, returned, revision, isWrite, 1);

    private static string OnlyViolation(IEnumerable<string> violations) => Assert.Single(violations);

    [Fact]
    public void Writes_that_are_where_they_were_acknowledged_are_fine() =>
        Assert.Empty(KillChecks.Durability([Single, Transaction], Holding([.. AllOf(Single), .. AllOf(Transaction)])));

    [Fact]
    public void A_lost_write_is_found() => Assert.StartsWith("Lost", OnlyViolation(KillChecks.Durability([Single], Holding())));

    [Fact]
    public void A_write_with_another_value_is_found() =>
        Assert.StartsWith("Lost", OnlyViolation(KillChecks.Durability([Single], Holding(Stored(Single.Keys[0], "other", 10)))));

    [Fact]
    public void A_write_at_another_revision_is_found() =>
        Assert.StartsWith("Moved", OnlyViolation(KillChecks.Durability([Single], Holding(Stored(Single.Keys[0], Single.Value, 12)))));

    [Fact]
    public void A_refused_write_that_is_there_is_found() =>
        Assert.StartsWith("Undead", OnlyViolation(KillChecks.Durability([Single with { Outcome = RpcOutcome.Refused }], Holding(AllOf(Single)))));

    [Fact]
    public void A_write_of_unknown_outcome_may_be_there_or_not_but_never_in_parts()
    {
        UniqueWrite unknown = Transaction with { Outcome = RpcOutcome.Unknown };
        Assert.Empty(KillChecks.Durability([unknown], Holding()));
        Assert.Empty(KillChecks.Durability([unknown], Holding(AllOf(Transaction))));
        Assert.StartsWith("Torn", OnlyViolation(KillChecks.Durability([unknown], Holding(AllOf(Transaction)[..2]))));
    }

    [Fact]
    public void A_key_that_nobody_wrote_is_found() =>
        Assert.StartsWith("From nowhere", OnlyViolation(KillChecks.Durability([], Holding(AllOf(Single)))));

    [Fact]
    public void Members_that_differ_are_found()
    {
        Dictionary<string, KeyValue> one = new() { ["k"] = Stored("k", "1", 5) }, other = new() { ["k"] = Stored("k", "2", 5) };
        Assert.Empty(KillChecks.Agreement(new FinalState(9, [one, one, one])));
        Assert.Contains("1 and 3 differ", OnlyViolation(KillChecks.Agreement(new FinalState(9, [one, one, other]))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_revision_below_one_that_was_shown_before_the_call_is_found()
    {
        Assert.Empty(KillChecks.RevisionOrder([Point(1, 0, 10, 7), Point(2, 5, 12, 6), Point(3, 13, 14, 7)]));   // the second overlaps the first
        Assert.StartsWith("Back in time", OnlyViolation(KillChecks.RevisionOrder([Point(1, 0, 10, 7), Point(2, 11, 12, 6)])));
    }

    [Fact]
    public void A_write_that_takes_no_new_revision_is_found() =>
        Assert.StartsWith("Back in time", OnlyViolation(KillChecks.RevisionOrder([Point(1, 0, 10, 7), Point(2, 11, 12, 7, isWrite: true)])));

    [Fact]
    public void Two_writes_with_one_revision_are_found() =>
        Assert.StartsWith("Revision 7", OnlyViolation(KillChecks.RevisionOrder([Point(1, 0, 10, 7, isWrite: true), Point(2, 5, 12, 7, isWrite: true)])));

    [Fact]
    public void A_write_of_a_session_that_happened_twice_or_not_at_all_or_out_of_order_is_found()
    {
        KeyValue three = Stored("once/1", "3", 9);
        three.Version = 3;
        Assert.Empty(KillChecks.OnceWrites([new OnceWrites("once/1", 3, [])], Holding(three)));
        Assert.Empty(KillChecks.OnceWrites([new OnceWrites("once/1", 2, [])], Holding(three)));   // the third was not waited for
        Assert.Empty(KillChecks.OnceWrites([new OnceWrites("once/1", 0, [])], Holding()));
        Assert.StartsWith("Not once", OnlyViolation(KillChecks.OnceWrites([new OnceWrites("once/1", 4, [])], Holding(three))));
        Assert.StartsWith("Not once", OnlyViolation(KillChecks.OnceWrites([new OnceWrites("once/1", 1, [])], Holding(three))));
        Assert.StartsWith("Not once", OnlyViolation(KillChecks.OnceWrites([new OnceWrites("once/1", 3, ["found 1"])], Holding(three))));
        three.Version = 4;
        Assert.StartsWith("Not once", OnlyViolation(KillChecks.OnceWrites([new OnceWrites("once/1", 3, [])], Holding(three))));
    }

    [Fact]
    public void A_final_value_that_misses_an_acknowledged_write_is_found()
    {
        string key = RegisterClient.KeyOf(0);
        Operation put = new() { Client = 1, Key = key, Kind = OperationKind.Put, Called = 1, Returned = 2, Value = "new" };
        Assert.Empty(KillChecks.Registers([put], Holding(Stored(key, "new", 3)), out _));
        Assert.Contains(key, OnlyViolation(KillChecks.Registers([put], Holding(Stored(key, "old", 2)), out Verdict verdict)), StringComparison.Ordinal);
        Assert.Equal(VerdictKind.NotLinearizable, verdict.Kind);
    }
}
