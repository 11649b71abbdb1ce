using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Tests;

public class FleetStatesTests
{
    private readonly Clock _clock = new();
    private readonly FleetStates _states;

    public FleetStatesTests() => _states = new FleetStates(_clock);

    [Fact]
    public void A_node_that_reports_ever_new_documents_keeps_the_last_64()
    {
        for (int i = 0; i < 100; i++) Assert.True(_states.Take(Report("c0", $"d{i}")));
        Assert.True(_states.Take(Report("c1", "nova")));
        Assert.Equal(65, _states.Of("default").Count());
        Assert.NotNull(_states.Find("default", "c0", "d99"));
        Assert.Null(_states.Find("default", "c0", "d0"));
    }

    [Fact]
    public void Of_a_node_that_is_gone_nothing_is_kept()
    {
        _states.Take(Report("c0", "nova", "glance"));
        _states.Take(Report("c1", "nova"));
        _states.Forget("default", "c0");
        Assert.Equal(["c1"], _states.Of("default").Select(s => s.Node));
        Assert.False(_states.IsHeard("default", "c0", TimeSpan.FromHours(1)));
    }

    [Fact]
    public void A_report_that_was_overtaken_by_a_newer_one_is_not_taken()
    {
        Take("c0", "a", 2, "applied");
        Take("c0", "a", 1, "rejected");   // came by another member
        Assert.Equal("applied", StateOf("c0"));
        Take("c0", "a", 3, "failed");
        Assert.Equal("failed", StateOf("c0"));
        Take("c1", "a", 1, "waiting");
        Assert.Equal("waiting", StateOf("c1"));   // each node has its own order
    }

    [Fact]
    public void A_report_from_before_the_agent_was_started_again_is_not_taken_while_the_new_one_is_heard()
    {
        Take("c0", "a", 9, "rejected");
        Take("c0", "b", 1, "applied");   // it begins to count anew
        Take("c0", "a", 10, "rejected");
        Assert.Equal("applied", StateOf("c0"));
        _clock.Advance(TimeSpan.FromSeconds(61));
        Take("c0", "a", 11, "rejected");   // the one that is left
        Assert.Equal("rejected", StateOf("c0"));
    }

    [Fact]
    public void Of_an_agent_that_does_not_number_each_report_counts_as_it_comes()
    {
        Take("c0", "", 0, "applied");
        Take("c0", "", 0, "failed");
        Assert.Equal("failed", StateOf("c0"));
        Take("c0", "a", 5, "applied");    // it was replaced by one that does
        Take("c0", "", 0, "rejected");    // and back
        Assert.Equal("rejected", StateOf("c0"));
        Assert.False(_states.ListsAll("default", "c0", TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Two_agents_of_a_machine_do_not_stand_in_each_others_way()
    {
        for (int i = 1; i <= 3; i++)
        {
            Take("c0", "a", i, "applied", "nova");
            Take("c0", "b", i, i == 3 ? "failed" : "applied", "glance");
        }

        Assert.Equal(["glance failed", "nova applied"], _states.Of("default", "c0").Select(s => $"{s.Document} {s.State.Name}"));
    }

    [Fact]
    public void What_an_agent_does_not_name_any_more_after_a_start_is_forgotten_and_not_what_another_on_the_machine_has()
    {
        TakeAll("a", 1, "nova", "neutron");
        TakeAll("other", 1, "glance");
        TakeAll("b", 1, "nova");
        Assert.Equal(["glance", "nova"], _states.Of("default", "c0").Select(s => s.Document));
        TakeAll("b", 2, "nova", "keystone");
        TakeAll("b", 3, "nova");   // the same start: its documents are those that it had
        Assert.Equal(["glance", "keystone", "nova"], _states.Of("default", "c0").Select(s => s.Document));

        void TakeAll(string run, long sequence, params string[] documents)
        {
            V1.AcknowledgeRequest report = Report("c0", documents);
            (report.Run, report.Sequence, report.ListsAll) = (ByteString.CopyFromUtf8(run), sequence, true);
            Assert.True(_states.Take(report));
        }
    }

    [Fact]
    public void What_only_the_start_before_named_is_forgotten_when_the_agent_says_which_that_was()
    {
        TakeAll("a", "", "nvoa");
        TakeAll("other", "", "glance");
        TakeAll("b", "", "nova");   // an older agent does not say: nothing connects it with the one before
        Assert.Equal(["glance", "nova", "nvoa"], _states.Of("default", "c0").Select(s => s.Document));
        TakeAll("c", "a", "nova");
        Assert.Equal(["glance", "nova"], _states.Of("default", "c0").Select(s => s.Document));

        void TakeAll(string run, string before, params string[] documents)
        {
            V1.AcknowledgeRequest report = Report("c0", documents);
            (report.Run, report.RunBefore, report.Sequence, report.ListsAll) = (ByteString.CopyFromUtf8(run), ByteString.CopyFromUtf8(before), 1, true);
            Assert.True(_states.Take(report));
        }
    }

    [Fact]
    public void A_start_that_is_heard_after_the_one_that_says_it_came_before_goes_on_and_keeps_its_documents()
    {
        Take("a", "", 1, "nova", "neutron");
        Take("b", "a", 1, "glance");   // an agent with a copy of the other's state directory
        for (int i = 2; i <= 5; i++)
        {
            Take("a", "", i, "nova", "neutron");
            Assert.Equal(["glance", "neutron", "nova"], _states.Of("default", "c0").Select(s => s.Document));
            Take("b", "a", i, "glance");
            Assert.Equal(["glance", "neutron", "nova"], _states.Of("default", "c0").Select(s => s.Document));
        }

        Take("c", "b", 1, "keystone");   // that one was started again
        Assert.Equal(["keystone", "neutron", "nova"], _states.Of("default", "c0").Select(s => s.Document));

        void Take(string run, string before, long sequence, params string[] documents)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            V1.AcknowledgeRequest report = Report("c0", documents);
            (report.Run, report.RunBefore, report.Sequence, report.ListsAll) = (ByteString.CopyFromUtf8(run), ByteString.CopyFromUtf8(before), sequence, true);
            Assert.True(_states.Take(report));
        }
    }

    [Fact]
    public void A_late_report_of_the_start_before_is_not_taken_where_this_member_had_not_heard_of_that_one()
    {
        TakeOne("b", "a", 1, "nova", "applied");
        TakeOne("a", "", 9, "nova", "rejected");   // was overtaken
        Assert.Equal("applied", StateOf("c0"));
    }

    [Fact]
    public void A_report_that_is_late_for_each_of_its_documents_ends_no_start()
    {
        TakeOne("b", "a", 1, "nova", "applied");
        TakeOne("c", "b", 1, "nova", "applied");
        TakeOne("a", "", 9, "glance", "applied");
        TakeOne("b", "a", 2, "nova", "applied");
        Assert.Equal(["glance", "nova"], _states.Of("default", "c0").Select(s => s.Document));
    }

    [Fact]
    public void Since_when_is_what_the_agent_says_and_never_later_or_in_the_future()
    {
        long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        Take("c0", "a", 1, "applied", since: now - 1000);
        Assert.Equal(now - 1000, Since());
        Take("c0", "b", 1, "applied", since: now - 10);   // the agent was started again, and nothing has changed
        Assert.Equal(now - 1000, Since());
        Take("c0", "b", 2, "failed", since: now + 5000);
        Assert.Equal(now, Since());
        _clock.Advance(TimeSpan.FromSeconds(5));
        Take("c0", "", 0, "failed");   // does not say
        Assert.Equal(now, Since());

        long Since() => _states.Find("default", "c0", "nova")!.SinceUnixMs;
    }

    private void TakeOne(string run, string before, long sequence, string document, string state)
    {
        V1.AcknowledgeRequest report = Report("c0", document);
        (report.Run, report.RunBefore, report.Sequence, report.ListsAll, report.States[0].State) = (ByteString.CopyFromUtf8(run), ByteString.CopyFromUtf8(before), sequence, true, state);
        Assert.True(_states.Take(report));
    }

    private string StateOf(string node) => _states.Find("default", node, "nova")!.Name;   // it was taken

    private void Take(string node, string run, long sequence, string state, string document = "nova", long since = 0) => Assert.True(_states.Take(new V1.AcknowledgeRequest
    {
        Space = "default",
        Node = node,
        Run = ByteString.CopyFromUtf8(run),
        Sequence = sequence,
        ListsAll = run.Length > 0,
        States = { new V1.DocumentState { Document = document, State = state, Release = 1, SinceUnixMs = since } },
    }));

    private static V1.AcknowledgeRequest Report(string node, params string[] documents) =>
        new() { Space = "default", Node = node, States = { documents.Select(d => new V1.DocumentState { Document = d, State = "applied", Release = 1 }) } };

    private sealed class Clock : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerDay * 365 * 2026L;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow() => new(_ticks, TimeSpan.Zero);

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
