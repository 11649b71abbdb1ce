using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Tests;

public class FleetStatesTests
{
    private readonly FleetStates _states = new(TimeProvider.System);

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

    private static V1.AcknowledgeRequest Report(string node, params string[] documents) =>
        new() { Space = "default", Node = node, States = { documents.Select(d => new V1.DocumentState { Document = d, State = "applied", Release = 1 }) } };
}
