namespace Conclave.Client.Tests.Watching;

public class WatchTests(SharedEtcd etcd)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_watch_reports_history_and_then_what_happens()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        PutResult first = await client.PutAsync("watch/a", "1", cancellationToken: Cancelled);
        await client.DeleteAsync("watch/a", cancellationToken: Cancelled);
        await using IAsyncEnumerator<WatchEvent> events = Events(client, KeyRange.Prefix("watch/"), new WatchOptions { StartRevision = first.Header.Revision, ReturnPrevious = true });

        WatchEvent put = await NextAsync(events), delete = await NextAsync(events);
        await client.PutAsync("watch/b", "2", cancellationToken: Cancelled);
        WatchEvent live = await NextAsync(events);

        Assert.Equal((WatchEventKind.Put, "watch/a", true), (put.Kind, put.Current.Key.ToString(), put.IsCreation));
        Assert.Equal((WatchEventKind.Delete, "1"), (delete.Kind, delete.Previous!.Value.ToString()));
        Assert.Equal((WatchEventKind.Put, "watch/b"), (live.Kind, live.Current.Key.ToString()));
    }

    [Fact]
    public async Task A_watch_from_now_sees_everything_after_its_reported_start()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await using IAsyncEnumerator<WatchUpdate> updates = client.WatchAsync("watchstart", new WatchOptions { ReportStart = true }, Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.True(await updates.MoveNextAsync());
        Assert.Empty(updates.Current.Events);

        await client.PutAsync("watchstart", "1", cancellationToken: Cancelled);

        Assert.True(await updates.MoveNextAsync());
        Assert.Equal("1", updates.Current.Events.Single().Current.Value);
    }

    [Fact]
    public async Task A_watch_goes_on_without_gap_or_repetition_when_the_server_dies_and_returns()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports);
        await using ConclaveClient client = new(server.Endpoint);
        int interruptions = 0;
        await client.PutAsync("k", "1", cancellationToken: Cancelled);
        await using IAsyncEnumerator<WatchEvent> events = Events(client, "k", new WatchOptions { StartRevision = 2, Interrupted = _ => interruptions++ });
        Assert.Equal("1", (await NextAsync(events)).Current.Value);

        ValueTask<WatchEvent> next = NextAsync(events);
        await server.KillAsync();
        await server.RestartAsync();
        await client.PutAsync("k", "2", cancellationToken: Cancelled);
        await client.PutAsync("k", "3", cancellationToken: Cancelled);

        Assert.Equal(["2", "3"], [(await next).Current.Value.ToString(), (await NextAsync(events)).Current.Value.ToString()]);
        Assert.True(interruptions > 0);
    }

    [Fact]
    public async Task A_watch_below_the_compacted_revision_ends_with_what_is_left()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports);
        await using ConclaveClient client = new(server.Endpoint);
        for (int i = 0; i < 3; i++) await client.PutAsync("k", "x", cancellationToken: Cancelled);
        await client.CompactAsync(3, cancellationToken: Cancelled);

        CompactedException ended = await Assert.ThrowsAsync<CompactedException>(async () => await NextAsync(Events(client, "k", new WatchOptions { StartRevision = 2 })));
        CompactedException read = await Assert.ThrowsAsync<CompactedException>(async () => await client.GetAsync("k", new ReadOptions { Revision = 2 }, Cancelled));

        Assert.Equal((3, 0), (ended.CompactRevision, read.CompactRevision));
    }

    [Fact]
    public async Task A_watch_that_cannot_begin_says_so()
    {
        await using ConclaveClient client = new(new ConclaveClientOptions { Endpoints = [$"127.0.0.1:{SharedEtcd.Ports.Take()}"], RetryPatience = TimeSpan.Zero });

        await Assert.ThrowsAsync<UnavailableException>(async () => await NextAsync(Events(client, "k", new WatchOptions())));
    }

    [Fact]
    public async Task A_cancelled_watch_ends_as_cancelled()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        using CancellationTokenSource source = new();
        await using IAsyncEnumerator<WatchUpdate> updates = client.WatchAsync("watchcancel", new WatchOptions { ReportStart = true }, source.Token).GetAsyncEnumerator(Cancelled);
        await updates.MoveNextAsync();
        ValueTask<bool> waiting = updates.MoveNextAsync();

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }

    private static async IAsyncEnumerator<WatchEvent> Events(ConclaveClient client, KeyRange range, WatchOptions options)
    {
        await foreach (WatchUpdate update in client.WatchAsync(range, options, Cancelled))
        {
            foreach (WatchEvent change in update.Events) yield return change;
        }
    }

    private static async ValueTask<WatchEvent> NextAsync(IAsyncEnumerator<WatchEvent> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancelled));
        return events.Current;
    }
}
