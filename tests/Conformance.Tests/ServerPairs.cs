using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;

[assembly: AssemblyFixture(typeof(Conclave.Conformance.Tests.ServerPairs))]
// One pair at a time works, while the next one starts: two cores suffice for that.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Conclave.Conformance.Tests;

/// <summary>Starts each group's servers, the next group's while a group runs: starting is most of the time it takes.</summary>
/// <remarks><c>CONCLAVE_CONFORMANCE_SUBJECT=etcd</c> compares etcd with itself, which shows that the cases are repeatable.</remarks>
public sealed class ServerPairs : IAsyncDisposable
{
    private readonly Dictionary<string, Task<Pair>> _pairs = [];
    private int _taken;

    /// <summary>The two servers of a group; etcd only where it is installed.</summary>
    internal sealed record Pair(Target? Etcd, Target Subject) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (Etcd is not null)
                await Etcd.DisposeAsync();
            await Subject.DisposeAsync();
        }
    }

    /// <summary>What is tested.</summary>
    public static ServerKind SubjectKind => Environment.GetEnvironmentVariable("CONCLAVE_CONFORMANCE_SUBJECT") == "etcd" ? ServerKind.Etcd : ServerKind.Conclave;

    /// <summary>Whether the yardstick is installed; without it what it answered once is compared.</summary>
    public static bool HasEtcd => ServerBinary.TryFind(ServerKind.Etcd, out _, out _);

    /// <summary>The pair of a group; the caller disposes of it.</summary>
    internal Task<Pair> TakeAsync(CaseGroup group)
    {
        int place = Groups.All.ToList().IndexOf(group);
        Task<Pair> taken = Started(group);
        _pairs.Remove(group.Name);
        bool isWholeRun = place == _taken++;   // a filtered one cannot know its next group
        if (isWholeRun && place + 1 < Groups.All.Count)
            _pairs[Groups.All[place + 1].Name] = StartAfterAsync(taken, Groups.All[place + 1]);
        return taken;
    }

    private Task<Pair> Started(CaseGroup group) => _pairs.TryGetValue(group.Name, out Task<Pair>? started) ? started : StartAsync(group);

    private static async Task<Pair> StartAfterAsync(Task<Pair> other, CaseGroup group)
    {
        await other;
        return await StartAsync(group);
    }

    private static async Task<Pair> StartAsync(CaseGroup group)
    {
        Task<Target>? etcd = HasEtcd ? Target.StartAsync(ServerKind.Etcd, group) : null;
        Target subject;
        try
        {
            subject = await Target.StartAsync(SubjectKind, group);
        }
        catch
        {
            if (etcd is not null)
                await (await etcd).DisposeAsync();
            throw;
        }
        return new Pair(etcd is null ? null : await etcd, subject);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Task<Pair> pair in _pairs.Values)
            await (await pair).DisposeAsync();
    }
}
