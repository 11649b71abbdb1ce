using Conclave.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Conclave.Extensions.Tests.Hosting;

public class LeaderServiceTests(SharedNode shared)
{
    private static readonly LockOptions Short = new() { Ttl = TimeSpan.FromSeconds(5) };   // shorter ones are lost where a busy machine stands still

    [Fact]
    public async Task The_work_moves_when_its_process_loses_the_session_and_runs_nowhere_twice()
    {
        var log = new WorkLog();
        using IHost a = Program(log, "a"), b = Program(log, "b");
        await a.StartAsync(TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("a works", () => log.Has("a begins"));
        await b.StartAsync(TestContext.Current.CancellationToken);
        await RunningNode.EventuallyAsync("b waits", async () => (await shared.Node.Client.RangeAsync(KeyRange.Prefix("moves/"))).Items.Length == 2);
        Assert.False(log.Has("b begins"));

        KeyValue leader = (await shared.Node.Client.RangeAsync(KeyRange.Prefix("moves/"), new ReadOptions { SortBy = SortBy.CreateRevision, Limit = 1 }, TestContext.Current.CancellationToken)).Items[0];
        await shared.Node.Client.Leases.RevokeAsync(leader.LeaseId, TestContext.Current.CancellationToken);

        await RunningNode.EventuallyAsync("a was told and b works", () => log.Has("a ends") && log.Has("b begins"));
        Assert.Equal(leader.CreateRevision, log.TermOf("a"));
        Assert.True(log.TermOf("b") > log.TermOf("a"));
        await b.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(log.Has("b ends"));
        await RunningNode.EventuallyAsync("a works again", () => log.Times("a begins") == 2);
        await a.StopAsync(TestContext.Current.CancellationToken);

        IHost Program(WorkLog log, string name) => Hosts.Build(shared.Node, null, builder => builder.Services.AddSingleton(log).AddSingleton(new Name(name)).AddLeaderService<Reaper>("moves", Short));
    }

    [Fact]
    public async Task Work_that_fails_is_begun_anew_and_work_that_ends_is_done()
    {
        var log = new WorkLog();
        using IHost host = Hosts.Build(shared.Node, null, builder => builder.Services.AddSingleton(log).AddLeaderService<Fickle>("fickle", Short));
        await host.StartAsync(TestContext.Current.CancellationToken);

        await RunningNode.EventuallyAsync("it was begun twice", () => log.Times("begins") == 2);
        await RunningNode.EventuallyAsync("it has resigned", async () => (await shared.Node.Client.RangeAsync(KeyRange.Prefix("fickle/"))).Items.IsEmpty);

        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, log.Times("begins"));
        Assert.True(Lines.Provider.Have("Fickle failed; the leadership of fickle is given up"));
    }

    public sealed record Name(string Text);

    public sealed class WorkLog
    {
        private readonly List<string> _lines = [];
        private readonly Dictionary<string, long> _terms = [];

        public void Add(string line)
        {
            lock (_lines) _lines.Add(line);
        }

        public void Begin(string name, long term)
        {
            lock (_lines)
            {
                _terms.TryAdd(name, term);
                _lines.Add($"{name} begins");
            }
        }

        public bool Has(string line) => Times(line) > 0;

        public int Times(string line)
        {
            lock (_lines) return _lines.Count(l => l == line);
        }

        public long TermOf(string name)
        {
            lock (_lines) return _terms[name];
        }
    }

    public sealed class Reaper(WorkLog log, Name name, ILeadership leadership) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            log.Begin(name.Text, leadership.Term);
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            log.Add($"{name.Text} ends");
        }
    }

    public sealed class Fickle(WorkLog log) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            log.Add("begins");
            return log.Times("begins") == 1 ? throw new InvalidOperationException("the first time") : Task.CompletedTask;
        }
    }
}
