namespace Conclave.Architecture;

/// <summary>Arrows only go inward: the table of docs/architecture.md, checked on what was compiled.</summary>
public class DependencyTests
{
    public static TheoryData<string, string[]> Allowed => new()
    {
        { "Conclave.Raft", [] },
        { "Conclave.Store", [] },
        { "Conclave.Layers", [] },
        { "Conclave.Layers.Import", ["Conclave.Layers"] },
        { "Conclave.Layers.Wire", ["Conclave.Layers", "Conclave.Wire"] },
        { "Conclave.Layers.Serving", ["Conclave.Layers", "Conclave.Layers.Wire", "Conclave.Store", "Conclave.Wire"] },
        { "Conclave.Storage", ["Conclave.Raft"] },
        { "Conclave.Wire", [] },
        { "Conclave.Recording", ["Conclave.Raft"] },
        { "conclave-node", ["Conclave.Raft", "Conclave.Recording", "Conclave.Store", "Conclave.Storage", "Conclave.Wire", "Conclave.Layers", "Conclave.Layers.Serving", "Conclave.Layers.Wire"] },
        { "Conclave.Client", ["Conclave.Wire"] },
        { "Conclave.Agent", ["Conclave.Client", "Conclave.Layers", "Conclave.Wire"] },
        { "Conclave.Extensions.Configuration", ["Conclave.Client", "Conclave.Wire"] },
        { "Conclave.Extensions.Hosting", ["Conclave.Client", "Conclave.Extensions.Configuration", "Conclave.Wire"] },
        { "conclave", ["Conclave.Agent", "Conclave.Client", "Conclave.Wire", "Conclave.Recording", "Conclave.Raft", "Conclave.Layers", "Conclave.Layers.Import", "Conclave.Layers.Wire"] },
        { "Conclave.Linearizability", [] },
        { "Conclave.Simulator", ["Conclave.Raft", "Conclave.Store", "Conclave.Storage", "Conclave.Linearizability", "Conclave.Layers", "Conclave.Layers.Serving", "Conclave.Layers.Wire", "Conclave.Wire"] },
        { "Conclave.Exhaustive", ["Conclave.Raft"] },
        {
            "Conclave.Fuzz",
            ["Conclave.Raft", "Conclave.Store", "Conclave.Storage", "Conclave.Wire", "Conclave.Recording", "Conclave.Layers", "Conclave.Layers.Import", "Conclave.Layers.Serving", "Conclave.Layers.Wire", "conclave-node", "Conclave.Agent", "Conclave.Client", "conclave"]
        },
        { "Conclave.Processes", ["Conclave.Client", "Conclave.Wire", "Conclave.Linearizability"] },
    };

    [Theory, MemberData(nameof(Allowed))]
    public void A_project_refers_only_to_those_further_in(string assembly, string[] allowed)
    {
        using var compiled = new CompiledAssembly(assembly);

        Assert.Empty(compiled.OwnReferences().Except(allowed));
    }

    [Fact]
    public void Only_the_durable_log_lets_messages_that_depend_on_a_write_out()
    {
        foreach (string assembly in Allowed.Select(row => row.Data.Item1).Where(name => name is not ("Conclave.Storage" or "Conclave.Simulator" or "Conclave.Exhaustive")))
        {
            using var compiled = new CompiledAssembly(assembly);
            Assert.DoesNotContain("Conclave.Raft.PersistOp.MarkDurable", compiled.Members());
        }

        using var storage = new CompiledAssembly("Conclave.Storage");
        Assert.Contains("Conclave.Raft.PersistOp.MarkDurable", storage.Members());   // or this test looks for the wrong name
    }
}
