namespace Conclave.Linearizability.Tests;

public class HistoryTests
{
    private static Operation Put(string value, long called, long returned) => new() { Client = 1, Key = "k", Kind = OperationKind.Put, Value = value, Called = called, Returned = returned };

    private static Operation Lost(Operation operation) => operation with { Outcome = OperationOutcome.Unknown };

    private static Operation Get(string? observed, long called, long returned) => new() { Client = 2, Key = "k", Kind = OperationKind.Get, Observed = observed, Called = called, Returned = returned };

    private static Operation Swap(string? expected, string value, bool succeeded, long called, long returned) =>
        new() { Client = 3, Key = "k", Kind = OperationKind.CompareAndSwap, Expected = expected, Value = value, Succeeded = succeeded, Called = called, Returned = returned };

    private static Operation Delete(bool existed, long called, long returned) => new() { Client = 4, Key = "k", Kind = OperationKind.Delete, Succeeded = existed, Called = called, Returned = returned };

    private static VerdictKind Check(params Operation[] history) => RegisterChecker.Check(history).Kind;

    [Fact]
    public void An_empty_history_is_linearizable() => Assert.Equal(VerdictKind.Linearizable, Check());

    [Fact]
    public void A_read_sees_the_write_that_ended_before_it() => Assert.Equal(VerdictKind.Linearizable, Check(Put("a", 1, 2), Get("a", 3, 4)));

    [Fact]
    public void A_read_that_misses_a_finished_write_is_stale() => Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Get(null, 3, 4)));

    [Fact]
    public void A_read_during_a_write_may_see_either() =>
        Assert.Equal(VerdictKind.Linearizable, Check(Put("a", 1, 10), Get(null, 2, 3), Get("a", 4, 5)));

    [Fact]
    public void Once_a_new_value_was_seen_the_old_one_is_gone() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 10), Get("a", 2, 3), Get(null, 4, 5)));

    [Fact]
    public void Two_readers_must_agree_on_the_order_of_two_writes() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 10), Put("b", 1, 10), Get("a", 11, 12), Get("b", 13, 14)));

    [Fact]
    public void An_acknowledged_write_that_is_lost_is_found() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Put("b", 3, 4), Get("a", 5, 6)));

    [Fact]
    public void A_value_out_of_nowhere_is_found() => Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Get("z", 3, 4)));

    [Fact]
    public void A_lost_write_may_take_effect_much_later() =>
        Assert.Equal(VerdictKind.Linearizable, Check(Lost(Put("a", 1, 0)), Get(null, 5, 6), Get("a", 7, 8)));

    [Fact]
    public void A_lost_write_may_never_take_effect() => Assert.Equal(VerdictKind.Linearizable, Check(Lost(Put("a", 1, 0)), Get(null, 5, 6), Get(null, 7, 8)));

    [Fact]
    public void A_lost_write_takes_effect_once_only() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Lost(Put("a", 1, 0)), Get("a", 3, 4), Put("b", 5, 6), Get("b", 7, 8), Get("a", 9, 10)));

    [Fact]
    public void A_lost_write_does_not_take_effect_before_its_call() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Get("a", 1, 2), Lost(Put("a", 3, 0))));

    [Fact]
    public void Only_one_of_two_swaps_from_the_same_value_succeeds() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Swap("a", "b", true, 3, 10), Swap("a", "c", true, 3, 10)));

    [Fact]
    public void A_refused_swap_needs_another_value() =>
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Swap("a", "b", false, 3, 4)));

    [Fact]
    public void A_chain_of_swaps_explains_the_last_read() =>
        Assert.Equal(VerdictKind.Linearizable, Check(Swap(null, "a", true, 1, 2), Lost(Swap("a", "b", true, 3, 0)), Swap("b", "c", true, 5, 6), Get("c", 7, 8)));

    [Fact]
    public void A_delete_tells_whether_there_was_a_value()
    {
        Assert.Equal(VerdictKind.Linearizable, Check(Put("a", 1, 2), Delete(true, 3, 4), Delete(false, 5, 6), Get(null, 7, 8)));
        Assert.Equal(VerdictKind.NotLinearizable, Check(Put("a", 1, 2), Delete(false, 3, 4)));
    }

    [Fact]
    public void The_initial_value_counts()
    {
        Operation[] history = [Get("a", 1, 2)];
        Assert.Equal(VerdictKind.Linearizable, RegisterChecker.Check(history, initial: new Dictionary<string, string> { ["k"] = "a" }).Kind);
        Assert.Equal(VerdictKind.NotLinearizable, RegisterChecker.Check(history).Kind);
    }

    [Fact]
    public void The_guilty_register_is_named_and_explained()
    {
        Verdict verdict = RegisterChecker.Check([Put("a", 1, 2), Get("a", 3, 4), Put("x", 1, 2) with { Key = "bad" }, Get(null, 3, 4) with { Key = "bad" }]);
        Assert.Equal("bad", verdict.Key);
        Assert.Equal(
            """
            2 operations; the best order explains 1 of them. It ends:
                holding nothing: [1 .. 2] client 1: put "x"
            The register then holds "x", and none of these can be next:
                [3 .. 4] client 2: get -> nothing

            """, verdict.Explanation);
    }

    [Fact]
    public void The_search_gives_up_at_its_bound_and_says_so()
    {
        // Twelve concurrent writes and a read of none of them: every subset has to be tried.
        Operation[] history = [.. Enumerable.Range(0, 12).Select(i => Put($"{i}", 1, 100)), Get("none", 101, 102)];
        Assert.Equal(VerdictKind.Undecided, RegisterChecker.Check(history, statesMax: 100).Kind);
        Assert.Equal(VerdictKind.NotLinearizable, RegisterChecker.Check(history).Kind);
    }

    [Fact]
    public void A_call_that_returns_before_it_began_is_an_error_of_the_recorder() =>
        Assert.Throws<ArgumentException>(() => RegisterChecker.Check([Put("a", 5, 4)]));

    [Fact]
    public void A_long_history_with_little_overlap_is_quick()
    {
        List<Operation> history = [];
        for (int i = 0; i < 20_000; i++)
        {
            history.Add(Put($"{i}", 10 * i, (10 * i) + 12));
            history.Add(Get($"{i}", (10 * i) + 13, (10 * i) + 14));
        }
        // The write after each read has begun already, so every step has a choice.
        Verdict verdict = RegisterChecker.Check(history);
        Assert.True(verdict.Passed, verdict.Explanation);
    }
}
