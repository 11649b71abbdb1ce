using System.Diagnostics;
using Conclave.Processes.Locks;

namespace Conclave.Compatibility.Tests;

/// <summary>The checks after a run of locks find what they are for: each kind of mistake is planted once in a history that is right.</summary>
public sealed class LockCheckTests
{
    private const string Name = "queue/lock-1";

    private static readonly LockAttempt First = Grant(client: 1, lease: 0x1, called: 0, ended: 10, until: 20, revision: 5, token: 5);
    private static readonly LockAttempt Second = Grant(client: 2, lease: 0x2, called: 8, ended: 21, until: 30, revision: 8, token: 6);
    private static readonly QueueTurn[] Queue = [new($"{Name}/1", 5, 8), new($"{Name}/2", 6, 12)];

    private static LockAttempt Grant(int client, long lease, long called, long ended, long until, long revision, long token) => new()
    {
        Client = client,
        Name = Name,
        Lease = lease,
        Called = called * Stopwatch.Frequency,
        Ended = ended * Stopwatch.Frequency,
        HeldUntil = until * Stopwatch.Frequency,
        End = LockEnd.Granted,
        Key = $"{Name}/{lease:x}",
        Revision = revision,
        Token = token,
    };

    private static GuardedWrite Write(LockAttempt holder, long called, long revision) =>
        new(holder.Client, holder.Name, holder.Key, holder.Token, called * Stopwatch.Frequency, GuardedEnd.Done, revision);

    private static LockHistory Of(params LockAttempt[] attempts) => new() { Attempts = attempts };

    private static string OnlyViolation(IEnumerable<string> violations) => Assert.Single(violations);

    [Fact]
    public void One_after_the_other_with_rising_tokens_is_fine() =>
        Assert.Empty(LockChecks.All(Of(First, Second) with { Writes = [Write(First, 11, 7), Write(Second, 22, 9)], Leaders = [new(1, Name, 5), new(1, Name, 5), new(1, Name, 6)] }, Queue));

    [Fact]
    public void Two_holders_at_a_time_are_found() =>
        Assert.StartsWith("Two holders", OnlyViolation(LockChecks.OneHolder([First, Second with { Ended = 19 * Stopwatch.Frequency }])));

    [Fact]
    public void A_second_holder_is_found_behind_a_short_one_in_between()
    {
        LockAttempt longest = First with { HeldUntil = 100 * Stopwatch.Frequency }, third = Grant(client: 3, lease: 3, called: 1, ended: 40, until: 50, revision: 9, token: 7);
        Assert.Equal(2, LockChecks.OneHolder([third, Second, longest]).Count());
    }

    [Fact]
    public void Who_may_have_lost_its_lease_before_it_was_told_is_no_second_holder() =>
        Assert.Empty(LockChecks.OneHolder([First, Second with { Ended = 19 * Stopwatch.Frequency, HeldUntil = 18 * Stopwatch.Frequency }]));

    [Fact]
    public void A_call_that_is_repeated_for_the_same_lease_is_no_second_holder() =>
        Assert.Empty(LockChecks.All(Of(First, First with { Called = 11 * Stopwatch.Frequency, Ended = 12 * Stopwatch.Frequency, Revision = 7 }, Second), Queue));

    [Fact]
    public void A_token_that_repeats_is_found() => Assert.Contains(LockChecks.TokensRise([First, Second with { Token = 5 }]), problem => problem.Contains("2 leases", StringComparison.Ordinal));

    [Fact]
    public void A_token_that_falls_is_found() =>
        Assert.Contains("after client 1", OnlyViolation(LockChecks.TokensRise([First, Second with { Token = 4 }])), StringComparison.Ordinal);

    [Fact]
    public void A_token_below_one_that_was_given_before_the_call_is_found_though_nobody_surely_held() =>
        Assert.Contains("asked after", OnlyViolation(LockChecks.TokensRise([First with { HeldUntil = 0 }, Second with { Called = 11 * Stopwatch.Frequency, Token = 4, HeldUntil = 0 }])), StringComparison.Ordinal);

    [Fact]
    public void A_write_with_the_token_of_before_is_found_by_the_grant_and_by_the_writes()
    {
        Assert.Contains("had been told", OnlyViolation(LockChecks.Fencing(Of(First, Second) with { Writes = [Write(First, 11, 9)] })), StringComparison.Ordinal);
        Assert.Contains("had been told", OnlyViolation(LockChecks.Fencing(Of(First, Second with { Revision = 99 }) with { Writes = [Write(First, 22, 9)] })), StringComparison.Ordinal);
        Assert.Contains("after one at 9", OnlyViolation(LockChecks.Fencing(Of() with { Writes = [Write(Second, 22, 9), Write(First, 23, 10)] })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_grant_without_a_revision_is_judged_by_the_clock_alone()
    {
        LockAttempt second = Second with { Revision = 0 };
        Assert.Empty(LockChecks.All(Of(First, second) with { Writes = [Write(First, 11, 7)] }, Queue));
        Assert.Contains("had been told", OnlyViolation(LockChecks.Fencing(Of(First, second) with { Writes = [Write(First, 22, 7)] })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_after_the_end_of_its_key_is_found_though_nobody_came_after() =>
        Assert.Contains("was there from 6 to 12", OnlyViolation(LockChecks.Turns(Of(First, Second) with { Writes = [Write(Second, 22, 13)] }, Queue)), StringComparison.Ordinal);

    [Fact]
    public void A_grant_to_a_waiter_whose_lease_has_ended_is_found()
    {
        Assert.StartsWith("Late grant", OnlyViolation(LockChecks.Turns(Of(First, Second with { Revision = 12 }), Queue)));
        Assert.Contains("never there", OnlyViolation(LockChecks.Turns(Of(Second with { Key = $"{Name}/3" }), Queue)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_grant_before_the_one_before_has_left_is_found() =>
        Assert.StartsWith("Early grant", OnlyViolation(LockChecks.Turns(Of(First, Second with { Revision = 7 }), Queue)));

    [Fact]
    public void A_key_that_stays_in_the_queue_is_found() =>
        Assert.Contains("still in the queue", OnlyViolation(LockChecks.Turns(Of(First), [Queue[0], Queue[1] with { Deleted = null }])), StringComparison.Ordinal);

    [Fact]
    public void A_wait_without_end_is_found() =>
        Assert.Contains("heard nothing", OnlyViolation(LockChecks.Ends([First with { End = LockEnd.NeverEnded }, Second])), StringComparison.Ordinal);

    [Fact]
    public void An_observer_that_is_told_of_a_leader_of_before_is_found() =>
        Assert.StartsWith("Observer 1", OnlyViolation(LockChecks.Observers([new(1, Name, 6), new(2, Name, 5), new(1, Name, 5)])));
}
