using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Locks;

/// <summary>Locks and elections as a client of the JSON gateway sees them.</summary>
internal static class LockCalls
{
    public static async Task<long> GrantAsync(this TestNode node, long id, int ttl)
    {
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/lease/grant", new { ID = id.ToString(CultureInfo.InvariantCulture), TTL = ttl });
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        return Number(body.GetProperty("ID"));
    }

    public static async Task RevokeAsync(this TestNode node, long id) =>
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/lease/revoke", new { ID = id.ToString(CultureInfo.InvariantCulture) })).Status);

    /// <returns>The key, or the text of the error.</returns>
    public static async Task<string> LockAsync(this TestNode node, string name, long lease) =>
        KeyOrError(await node.PostAsync("/v3/lock/lock", new { name = TestNode.Base64(name), lease = lease.ToString(CultureInfo.InvariantCulture) }), body => body.GetProperty("key"));

    /// <returns>The key, or the text of the error.</returns>
    public static async Task<string> CampaignAsync(this TestNode node, string name, long lease, string value) =>
        KeyOrError(await node.PostAsync("/v3/election/campaign", new { name = TestNode.Base64(name), lease = lease.ToString(CultureInfo.InvariantCulture), value = TestNode.Base64(value) }),
            body => body.GetProperty("leader").GetProperty("key"));

    public static async Task UnlockAsync(this TestNode node, string key) =>
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/lock/unlock", new { key = TestNode.Base64(key) })).Status);

    /// <summary>Locks in the background, over a connection of its own that <see cref="HangingCall.HangUp"/> breaks.</summary>
    public static HangingCall BeginLock(this TestNode node, string name, long lease, bool requiresLeader = false) => new(node, name, lease, requiresLeader);

    /// <summary>Keys of a queue, first in first.</summary>
    public static async Task<string[]> QueueAsync(this TestNode node, string name)
    {
        (_, JsonElement body) = await node.PostAsync("/v3/kv/range", new
        {
            key = TestNode.Base64(name + "/"),
            range_end = TestNode.Base64(name + "0"),
            sort_target = "CREATE",
            sort_order = "ASCEND",
        });
        return body.TryGetProperty("kvs", out JsonElement kvs) ? [.. kvs.EnumerateArray().Select(kv => Text(kv.GetProperty("key")))] : [];
    }

    public static Task QueuesAsync(this TestNode node, string name, params string[] keys) =>
        TestNode.EventuallyAsync($"the queue of {name} is {string.Join(' ', keys)}", async () => (await node.QueueAsync(name)).SequenceEqual(keys));

    public static string Text(JsonElement base64) => System.Text.Encoding.UTF8.GetString(base64.GetBytesFromBase64());

    public static long Number(JsonElement text) => long.Parse(text.GetString()!, CultureInfo.InvariantCulture);

    private static string KeyOrError((HttpStatusCode Status, JsonElement Body) answer, Func<JsonElement, JsonElement> key) =>
        answer.Status == HttpStatusCode.OK ? Text(key(answer.Body)) : answer.Body.GetProperty("message").GetString()!;

    internal sealed class HangingCall : IDisposable
    {
        private readonly HttpClient _http;
        private readonly CancellationTokenSource _hangUp = new();

        public HangingCall(TestNode node, string name, long lease, bool requiresLeader)
        {
            _http = new HttpClient { BaseAddress = node.Options.ListenClientUrls[0] };
            if (requiresLeader) _http.DefaultRequestHeaders.Add("Grpc-Metadata-hasleader", "true");
            Answer = AskAsync(name, lease);
        }

        /// <summary>The key, or the text of the error; "hung up" when this side ended it.</summary>
        public Task<string> Answer { get; }

        public void HangUp() => _hangUp.Cancel();

        public void Dispose()
        {
            _hangUp.Cancel();
            _http.Dispose();
        }

        private async Task<string> AskAsync(string name, long lease)
        {
            try
            {
                using HttpResponseMessage response = await _http.PostAsJsonAsync("/v3/lock/lock", new { name = TestNode.Base64(name), lease = lease.ToString(CultureInfo.InvariantCulture) }, _hangUp.Token);
                return KeyOrError((response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(_hangUp.Token)), body => body.GetProperty("key"));
            }
            catch (OperationCanceledException)
            {
                return "hung up";
            }
        }
    }
}
