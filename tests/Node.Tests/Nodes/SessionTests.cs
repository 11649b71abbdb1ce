using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Client;
using Conclave.Node.Options;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Writes that are carried out exactly once, over the wire and over a change of leader.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly HttpClient _http = new() { Timeout = Patience };
    private readonly TestNode?[] _nodes = new TestNode?[3];
    private NodeOptions[] _options = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _options = [.. TestNode.Cluster(3, _directory).Select(o => o with { SnapshotCount = 40 })];
        for (int i = 0; i < 3; i++) _nodes[i] = await TestNode.StartAsync(_options[i]);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        for (int i = 0; i < 3; i++) await StopAsync(i);
        _directory.Dispose();
    }

    [Fact]
    public async Task A_repeat_at_another_member_has_the_same_answer_and_changes_nothing()
    {
        await SendAsync(0, "/v3/kv/put", new { key = Text("k"), value = Text("before") });
        long lease = await GrantAsync();
        object put = new { key = Text("k"), value = Text("after"), prev_kv = true };
        JsonElement first = await SendAsync(0, "/v3/kv/put", put, lease, 1);
        for (int member = 0; member < 3; member++)
        {
            JsonElement repeat = await SendAsync(member, "/v3/kv/put", put, lease, 1);
            Assert.Equal(first.GetProperty("prev_kv").GetRawText(), repeat.GetProperty("prev_kv").GetRawText());
            Assert.Equal(TestNode.Revision(first), TestNode.Revision(repeat));
        }

        Assert.Equal("2", (await RangeAsync("k")).GetProperty("version").GetString());
    }

    [Fact]
    public async Task A_transaction_that_only_reads_is_answered_as_it_was_when_it_is_repeated_in_a_session()
    {
        long lease = await GrantAsync();
        await SendAsync(0, "/v3/kv/put", new { key = Text("k"), value = Text("1") });
        object read = new { success = new object[] { new { request_range = new { key = Text("k") } } } };
        string first = (await SendAsync(0, "/v3/kv/txn", read, lease, 5)).GetProperty("responses").GetRawText();
        await SendAsync(0, "/v3/kv/put", new { key = Text("k"), value = Text("2") });

        Assert.Equal(first, (await SendAsync(1, "/v3/kv/txn", read, lease, 5)).GetProperty("responses").GetRawText());
    }

    [Fact]
    public async Task Metadata_that_cannot_be_read_is_refused_with_a_reason()
    {
        foreach ((string? session, string? sequence, string reason) in ((string?, string?, string)[])
            [("x", "1", "conclave-session is"), ("0", "1", "conclave-session is"), ("7", "-1", "conclave-sequence is"), ("7", "0", "conclave-sequence is"),
             ("7", null, "conclave-session came without"), (null, "1", "conclave-sequence came without"), (new string('9', 500), "1", "conclave-session is")])
        {
            (HttpStatusCode status, string outcome, JsonElement body) = await TryAsync(0, "/v3/kv/put", new { key = Text("k") }, session, sequence);
            Assert.Equal((HttpStatusCode.BadRequest, "refused"), (status, outcome));
            Assert.Contains(reason, body.GetProperty("message").GetString());
        }
    }

    [Fact]
    public async Task A_failed_write_says_whether_it_was_refused_or_may_have_happened()
    {
        await SendAsync(0, "/v3/kv/put", new { key = Text("k") });
        (_, string outcome, _) = await TryAsync(0, "/v3/kv/put", new { key = Text("k"), lease = "77" });
        Assert.Equal("refused", outcome);   // by the store
        (_, outcome, _) = await TryAsync(0, "/v3/kv/range", new { key = "" });
        Assert.Equal("", outcome);   // not a write

        int leader = await LeaderAsync();
        for (int i = 0; i < 3; i++)
        {
            if (i != leader) await StopAsync(i);
        }

        // It is in the leader's log, and nobody is left to say whether it stays there.
        (HttpStatusCode status, outcome, _) = await TryAsync(leader, "/v3/kv/put", new { key = Text("k") });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unknown"), (status, outcome));
        // The leader has stepped down by now, so the next one goes nowhere.
        (status, outcome, _) = await TryAsync(leader, "/v3/kv/put", new { key = Text("k") });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "refused"), (status, outcome));
    }

    [Fact]
    public async Task Every_write_of_a_session_is_carried_out_once_although_leaders_stop_in_the_middle()
    {
        const int sessions = 4, writes = 60;
        await using var client = new ConclaveClient(new ConclaveClientOptions
        {
            Endpoints = [.. _options.Select(o => o.ListenClientUrls[0].ToString())],
            RequestTimeout = Patience,
            RetryPatience = Patience,
        });
        int done = 0;
        Task[] streams = [.. Enumerable.Range(0, sessions).Select(s => Task.Run(async () =>
        {
            await using ClientSession session = await client.OpenSessionAsync(Patience, Cancelled);
            for (int n = 1; n <= writes; n++)
            {
                // A write that was carried out twice, or not at all, shows in the version for ever.
                PutResult put = await session.PutAsync($"s{s}", $"{n}", new PutOptions { ReturnPrevious = true }, Cancelled);
                Assert.Equal(n == 1 ? null : $"{n - 1}", put.Previous?.Value.ToString());
                Interlocked.Increment(ref done);
                await Task.Delay(5, Cancelled);
            }
        }, Cancelled))];

        foreach (int reached in (int[])[sessions * writes / 4, sessions * writes / 2])
        {
            await UntilAsync(() => Volatile.Read(ref done) >= reached || streams.Any(s => s.IsFaulted));
            int leader = await LeaderAsync();
            await StopAsync(leader);
            await Task.Delay(300, Cancelled);
            _nodes[leader] = await TestNode.StartAsync(_options[leader]);
        }

        await Task.WhenAll(streams).WaitAsync(Patience, Cancelled);
        for (int s = 0; s < sessions; s++) Assert.Equal($"{writes}", (await RangeAsync($"s{s}")).GetProperty("version").GetString());
    }

    private async Task StopAsync(int i)
    {
        if (_nodes[i] is not { } node) return;
        _nodes[i] = null;
        await node.DisposeAsync();
    }

    private async Task<int> LeaderAsync()
    {
        int leader = -1;
        await UntilAsync(() => leader >= 0, async () =>
        {
            for (int i = 0; i < 3; i++)
            {
                if (_nodes[i] is null) continue;
                (_, _, JsonElement status) = await TryAsync(i, "/v3/maintenance/status", new { });
                if (status.TryGetProperty("leader", out JsonElement known) && known.GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) leader = i;
            }
        });
        return leader;
    }

    private static async Task UntilAsync(Func<bool> reached, Func<Task>? look = null)
    {
        for (long start = Environment.TickCount64; Environment.TickCount64 - start < Patience.TotalMilliseconds; await Task.Delay(20, Cancelled))
        {
            if (look is not null) await look();
            if (reached()) return;
        }

        Assert.Fail("It did not come to that in time.");
    }

    private async Task<long> GrantAsync() =>
        long.Parse((await SendAsync(0, "/v3/lease/grant", new Dictionary<string, object> { ["TTL"] = 60 })).GetProperty("ID").GetString()!, System.Globalization.CultureInfo.InvariantCulture);

    private async Task<JsonElement> RangeAsync(string key) => (await SendAsync(0, "/v3/kv/range", new { key = Text(key) })).GetProperty("kvs")[0];

    private async Task<JsonElement> SendAsync(int member, string path, object body, long session = 0, ulong sequence = 0)
    {
        (HttpStatusCode status, _, JsonElement answer) = await TryAsync(member, path, body, session == 0 ? null : $"{session}", session == 0 ? null : $"{sequence}");
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {answer}");
        return answer;
    }

    private async Task<(HttpStatusCode Status, string Outcome, JsonElement Body)> TryAsync(int member, string path, object body, string? session = null, string? sequence = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_options[member].ListenClientUrls[0], path))
        {
            Content = JsonContent.Create(body, options: new JsonSerializerOptions { PropertyNamingPolicy = null }),
        };
        if (session is not null) request.Headers.Add("Grpc-Metadata-conclave-session", session);
        if (sequence is not null) request.Headers.Add("Grpc-Metadata-conclave-sequence", sequence);
        using HttpResponseMessage response = await _http.SendAsync(request, Cancelled);
        string outcome = response.Headers.TryGetValues("Grpc-Metadata-conclave-outcome", out IEnumerable<string>? said) ? said.Single() : "";
        return (response.StatusCode, outcome, JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancelled)).RootElement);
    }

    private static string Text(string text) => TestNode.Base64(text);
}
