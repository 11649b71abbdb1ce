using Conclave.Bench.Load;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Cases;

/// <summary>Something that is measured, and the numbers it guards.</summary>
internal abstract class BenchCase(string name, string description, params Guard[] guards)
{
    /// <summary>As in --cases.</summary>
    public string Name { get; } = name;

    /// <summary>For people.</summary>
    public string Description { get; } = description;

    public IReadOnlyList<Guard> Guards { get; } = guards;
}

/// <summary>A case that shares one long-lived cluster with others.</summary>
internal abstract class SharedClusterCase(string name, string description, params Guard[] guards) : BenchCase(name, description, guards)
{
    /// <summary>One round.</summary>
    public abstract Task<Metrics> RunAsync(ProcessCluster cluster, BenchOptions options, RunPlan plan, CancellationToken cancellationToken);
}

/// <summary>A case that kills, restarts or weighs servers and therefore starts its own.</summary>
internal abstract class OwnClusterCase(string name, string description, params Guard[] guards) : BenchCase(name, description, guards)
{
    /// <summary>One round.</summary>
    public abstract Task<Metrics> RunAsync(ServerKind kind, BenchOptions options, CancellationToken cancellationToken);
}
