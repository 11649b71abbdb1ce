using Conclave.Processes.Servers;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>Cases that share a new pair of servers, in order. What one group does, or cannot do, no other group notices.</summary>
internal abstract class CaseGroup
{
    private readonly List<ConformanceCase> _cases = [];

    protected CaseGroup() => Define();

    public abstract string Name { get; }

    /// <summary>Members of each cluster of the pair.</summary>
    public virtual int Members => 1;

    public IReadOnlyList<ConformanceCase> Cases => _cases;

    /// <summary>Further flags for a server of that kind.</summary>
    public virtual IReadOnlyList<string> ArgumentsOf(ServerKind kind) => [];

    /// <summary>What has to be there before the first case; not compared.</summary>
    public virtual Task SetUpAsync(Run c) => Task.CompletedTask;

    protected abstract void Define();

    protected void Case(string name, Func<Run, Task> steps, Over over = Over.Both)
    {
        if (_cases.Any(other => other.Name == name || Run.PrefixOf(other.Name, Over.Grpc) == Run.PrefixOf(name, Over.Grpc)))
            throw new ArgumentException($"Two cases of {Name} are named '{name}', or their key prefixes collide.", nameof(name));
        _cases.Add(new ConformanceCase(name, over, steps));
    }
}
