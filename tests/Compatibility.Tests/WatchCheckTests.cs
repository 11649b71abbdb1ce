using Conclave.Processes.Watches;

namespace Conclave.Compatibility.Tests;

/// <summary>The checks after a run of watches find what they are for: each kind of mistake is planted once in a stream that is right.</summary>
public sealed class WatchCheckTests
{
    private static readonly WatchWish All = new() { Key = "w/", RangeEnd = "w0", WantsPrevious = true };

    /// <summary>Revision 2 puts a, 3 puts a and b, 4 deletes a, 5 puts b.</summary>
    private static readonly SeenEvent[] Sequence =
    [
        Put("w/a", 2, 2, 1, null), Put("w/a", 3, 2, 2, new(2, 2, 1, 2)), Put("w/b", 3, 3, 1, null), new("w/a", true, new(4, 0, 0, 0), new(3, 2, 2, 3)), Put("w/b", 5, 3, 2, new(3, 3, 1, 3)),
    ];

    private static SeenEvent Put(string key, long revision, long created, long version, KeyState? previous) => new(key, false, new KeyState(revision, created, version, (ulong)revision), previous);

    private static WatchedResponse Created(long revision = 1) => new() { IsCreated = true, Revision = revision };

    private static WatchedResponse Told(params SeenEvent[] events) => new() { Events = events, Revision = events[^1].Revision };

    private static WatchedResponse Progress(long revision) => new() { Revision = revision };

    private static WatchedHistory Watcher(WatchWish wish, long start, params WatchedResponse[] responses) => Streams(wish, (start, responses));

    private static WatchedHistory Streams(WatchWish wish, params (long Start, WatchedResponse[] Responses)[] streams)
    {
        var history = new WatchedHistory("watcher", wish);
        foreach ((long start, WatchedResponse[] responses) in streams)
        {
            var stream = new WatchedStream(start, 0);
            stream.Responses.AddRange(responses);
            history.Streams.Add(stream);
        }
        return history;
    }

    private static SeenEvent[] Revisions(int from, int to) => [.. Sequence.Where(change => change.Revision >= from && change.Revision <= to)];

    private static string Problem(WatchedHistory watcher, long end = 0) => Assert.Single(WatchChecks.Check(watcher, Sequence, end));

    [Fact]
    public void Everything_in_one_or_many_messages_and_streams_is_fine()
    {
        Assert.Empty(WatchChecks.Check(Watcher(All, 1, Created(), Told(Sequence)), Sequence, 5));
        Assert.Empty(WatchChecks.Check(Watcher(All, 0, Created(1), Told(Revisions(2, 3)), Progress(3), Told(Revisions(4, 4)), Told(Revisions(5, 5))), Sequence, 5));
        Assert.Empty(WatchChecks.Check(Streams(All, (2, [Created(), Told(Revisions(2, 3))]), (4, [Created()]), (2, [Created(), Told(Revisions(2, 4))]), (5, [Created(), Told(Revisions(5, 5)), Progress(7)])), Sequence, 5));
    }

    [Fact]
    public void A_watch_from_now_on_begins_behind_the_revision_at_which_it_was_created()
    {
        Assert.Empty(WatchChecks.Check(Watcher(All, 0, Created(3), Told(Revisions(4, 5))), Sequence, 5));
        Assert.Contains("without the delete of w/a at 4", Problem(Watcher(All, 0, Created(3), Told(Revisions(5, 5)))), StringComparison.Ordinal);
        Assert.Contains("again, or late", Problem(Watcher(All, 0, Created(3), Told(Revisions(3, 3)))), StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_that_is_left_out_is_found()
    {
        Assert.Contains("without the put of w/a at 3", Problem(Watcher(All, 2, Created(), Told(Revisions(2, 2)), Told(Revisions(4, 5)))), StringComparison.Ordinal);
        Assert.Contains("without the put of w/a at 2", Problem(Watcher(All, 2, Created(), Told(Revisions(3, 3)))), StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_revision_is_found()
    {
        Assert.Contains("without the put of w/b at 3", Problem(Watcher(All, 2, Created(), Told(Sequence[..2]))), StringComparison.Ordinal);
        Assert.Contains("without the put of w/b at 3", Problem(Watcher(All, 2, Created(), Told(Sequence[..2]), Told(Sequence[2..]))), StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_are_fine_only_where_they_were_asked_for_and_all_of_them_come()
    {
        WatchWish parts = All with { TakesFragments = true };
        WatchedResponse first = Told(Sequence[..2]) with { IsFragment = true };
        Assert.Empty(WatchChecks.Check(Watcher(parts, 2, Created(), first, Told(Sequence[2..])), Sequence, 5));
        Assert.Contains("not asked for", Problem(Watcher(All, 2, Created(), first, Told(Sequence[2..]))), StringComparison.Ordinal);
        Assert.Contains("broke off", Problem(Watcher(parts, 2, Created(), first, Progress(5))), StringComparison.Ordinal);
        // Who went on behind it would miss the rest.
        Assert.Contains("mistake of the run", Problem(Streams(parts, (2, [Created(), first]), (4, [Created(), Told(Revisions(4, 5))]))), StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_twice_or_in_another_order_is_found()
    {
        Assert.Contains("again, or late", Problem(Watcher(All, 2, Created(), Told(Revisions(2, 3)), Told(Revisions(3, 3)))), StringComparison.Ordinal);
        Assert.Contains("without the", Problem(Watcher(All, 2, Created(), Told(Sequence[0], Sequence[3]))), StringComparison.Ordinal);
        Assert.Contains("where the put of w/a at 3 was to come", Problem(Watcher(All, 2, Created(), Told(Sequence[0], Sequence[2], Sequence[1]))), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_content_and_an_event_that_never_was_are_found()
    {
        Assert.Contains("another content", Problem(Watcher(All, 2, Created(), Told(Sequence[0] with { State = new KeyState(2, 2, 1, 99) }))), StringComparison.Ordinal);
        Assert.Contains("never was", Problem(Watcher(All, 2, Created(), Told(Sequence), Told(Put("w/c", 6, 6, 1, null)))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_value_before_is_found_and_a_missing_one_is_fine_only_behind_a_compaction()
    {
        SeenEvent bare = Sequence[4] with { Previous = null };
        Assert.Contains("before it instead of", Problem(Watcher(All, 5, Created(), Told(Sequence[4] with { Previous = new KeyState(2, 2, 1, 2) }))), StringComparison.Ordinal);
        Assert.Contains("with nothing before it", Problem(Watcher(All, 5, Created(), Told(bare) with { CompactionAsked = 4 })), StringComparison.Ordinal);
        Assert.Empty(WatchChecks.Check(Watcher(All, 5, Created(), Told(bare) with { CompactionAsked = 5 }), Sequence, 5));
        Assert.Contains("before it instead of", Problem(Watcher(All with { WantsPrevious = false }, 5, Created(), Told(Sequence[4]))), StringComparison.Ordinal);
    }

    [Fact]
    public void Filters_and_ranges_are_held_to()
    {
        WatchWish deletions = All with { SkipsPuts = true }, puts = All with { SkipsDeletes = true }, one = new() { Key = "w/b" };
        Assert.Empty(WatchChecks.Check(Watcher(deletions, 2, Created(), Told(Sequence[3]), Progress(5)), Sequence, 5));
        Assert.Contains("where the delete", Problem(Watcher(deletions, 4, Created(), Told(Sequence[3] with { IsDelete = false }))), StringComparison.Ordinal);
        Assert.Empty(WatchChecks.Check(Watcher(puts, 4, Created(), Told(Sequence[4])), Sequence, 5));
        Assert.Contains("where the put of w/b at 5", Problem(Watcher(puts, 4, Created(), Told(Sequence[3] with { State = Sequence[4].State }))), StringComparison.Ordinal);
        Assert.Empty(WatchChecks.Check(Watcher(one, 2, Created(), Told(Bare(Sequence[2])), Told(Bare(Sequence[4]))), Sequence, 5));
        Assert.Contains("without the put of w/b at 3", Problem(Watcher(one, 2, Created(), Told(Bare(Sequence[4])))), StringComparison.Ordinal);
    }

    private static SeenEvent Bare(SeenEvent change) => change with { Previous = null };

    [Fact]
    public void Progress_that_overtakes_an_event_or_goes_back_is_found()
    {
        Assert.Contains("progress, but the put of w/b at 5", Problem(Watcher(All, 2, Created(), Told(Revisions(2, 4)), Progress(5))), StringComparison.Ordinal);
        Assert.Contains("progress back", Problem(Watcher(All, 2, Created(), Told(Revisions(2, 4)), Progress(2))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancellation_is_fine_only_when_what_comes_next_was_compacted_and_somebody_asked_for_it()
    {
        static WatchedResponse Gone(long compacted, long asked) => new() { Revision = 5, IsCanceled = true, CompactRevision = compacted, CompactionAsked = asked };
        Assert.Empty(WatchChecks.Check(Streams(All, (2, [Created(5), Gone(4, 4)]), (4, [Created(), Told(Revisions(4, 5))])), Sequence, 5));
        Assert.Contains("though it was at 4", Problem(Watcher(All, 4, Created(5), Gone(4, 4))), StringComparison.Ordinal);
        Assert.Contains("nobody asked for", Problem(Watcher(All, 2, Created(5), Gone(4, 3))), StringComparison.Ordinal);
        Assert.Contains("without a compact revision", Problem(Watcher(All, 2, Created(5), Gone(0, 4))), StringComparison.Ordinal);
        // A start below the compaction that is served from there on, and says nothing.
        Assert.Contains("without the put of w/a at 2", Problem(Watcher(All, 2, Created(5), Told(Revisions(4, 5)) with { CompactionAsked = 4 })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_watcher_that_does_not_arrive_is_found() => Assert.Contains("no further than revision 3 of 5", Problem(Watcher(All, 2, Created(), Told(Revisions(2, 3))), end: 5), StringComparison.Ordinal);

    [Fact]
    public void The_sequence_itself_shows_gaps_in_revisions_and_versions_and_wrong_values_before()
    {
        static string[] Problems(params SeenEvent[] events)
        {
            List<string> problems = [];
            SequenceChecks.Sequence(Watcher(All, 1, Created(), Told(events)), problems);
            return [.. problems];
        }
        Assert.Empty(Problems(Sequence));
        Assert.Contains("came after revision 3", Problems([.. Revisions(2, 3), .. Revisions(5, 5)])[0], StringComparison.Ordinal);
        Assert.Contains("version 2 after 0", Problems([.. Revisions(2, 2), Sequence[1], .. Revisions(4, 5)])[0], StringComparison.Ordinal);
        Assert.Contains("which was not there", Problems([.. Revisions(2, 2), Sequence[2], new("w/c", true, new(4, 0, 0, 0), null)])[0], StringComparison.Ordinal);
        Assert.Contains("another value before it", Problems([.. Revisions(2, 4), Sequence[4] with { Previous = new KeyState(3, 3, 1, 99) }])[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_sequence_has_what_writers_know_and_what_is_there_in_the_end()
    {
        KnownPut[] known = [new("w/a", 2, 2), new("w/a", 3, 3), new("w/b", 3, 3), new("w/b", 5, 5)];
        HashSet<(string, ulong)> tried = [.. known.Select(put => (put.Key, put.Value))];
        Dictionary<string, KeyState> final = new() { ["w/b"] = Sequence[4].State };
        Assert.Empty(SequenceChecks.Contents(Sequence, known, tried, final, 5));
        Assert.Contains("Nobody was told", Assert.Single(SequenceChecks.Contents(Sequence, [.. known, new("w/c", 1, 4)], tried, final, 5)), StringComparison.Ordinal);
        Assert.Contains("nobody wrote", Assert.Single(SequenceChecks.Contents(Sequence, [], tried.Where(put => put.Item2 != 5).ToHashSet(), final, 5)), StringComparison.Ordinal);
        Assert.Contains("is another in the store", Assert.Single(SequenceChecks.Contents(Sequence, known, tried, new Dictionary<string, KeyState>(), 5)), StringComparison.Ordinal);
        Assert.Contains("ends at revision 5", Assert.Single(SequenceChecks.Contents(Sequence, known, tried, final, 6)), StringComparison.Ordinal);
    }
}
