using System.Text;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>A stream of a node's documents; holds what it has made of them.</summary>
internal sealed class WatchedNode : IAsyncDisposable
{
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly HashSet<string> _pending = [];
    private StreamReader? _lines;

    public SortedDictionary<string, string> Values { get; } = new(StringComparer.Ordinal);

    public long Release { get; private set; }

    public string Hash { get; private set; } = "";

    /// <summary>The newest release of the document that it has.</summary>
    public long DocumentRelease { get; private set; }

    /// <summary>Of the last message; empty when it had none. What it should be is looked at when it comes.</summary>
    public string ItemsHash { get; private set; } = "";

    /// <summary>As the last message said.</summary>
    public long MovedRevision { get; private set; }

    public bool MayShrink { get; private set; }

    /// <summary>Whether the last message said that what there was is to be forgotten.</summary>
    public bool WasWhole { get; private set; }

    public int Messages { get; private set; }

    public static async Task<WatchedNode> StartAsync(TestNode server, string node, string document, long from = 0, string hash = "", long release = 0, long minRevision = 0, bool wantsItemsHash = false)
    {
        var watched = new WatchedNode();
        string request = JsonSerializer.Serialize(new { node, documents = new[] { document }, from_release = from, have = hash.Length > 0 ? [new { document, hash, release }] : Array.Empty<object>(), min_revision = minRevision, wants_items_hash = wantsItemsHash });
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Options.ListenClientUrls[0], "/v1/config/watch")) { Content = new StringContent(request, Encoding.UTF8, "application/json") };
        HttpResponseMessage response = await watched._http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        watched._lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        return watched;
    }

    /// <summary>Takes the next message in.</summary>
    public async Task NextAsync()
    {
        string? line = await _lines!.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60));   // set by StartAsync
        Assert.NotNull(line);
        JsonElement message = JsonDocument.Parse(line).RootElement;
        Assert.True(message.TryGetProperty("result", out JsonElement delta), line);
        long to = ConfigCalls.Number(delta, "to_release");
        Assert.True(to >= Release, $"went back from r{Release} to r{to}");
        foreach (JsonElement document in ConfigCalls.List(delta, "documents"))
        {
            WasWhole = document.TryGetProperty("whole", out JsonElement whole) && whole.GetBoolean();
            if (WasWhole) Values.Clear();
            if (WasWhole) _pending.Clear();
            foreach (JsonElement gone in ConfigCalls.List(document, "removed")) Values.Remove(gone.GetString()!);
            foreach (JsonElement item in ConfigCalls.List(document, "set"))
            {
                Values[item.GetProperty("key").GetString()!] = item.GetProperty("value").GetString()!;
                if (item.TryGetProperty("pending", out JsonElement pending) && pending.GetBoolean()) _pending.Add(item.GetProperty("key").GetString()!);
                else _pending.Remove(item.GetProperty("key").GetString()!);
            }

            ItemsHash = document.TryGetProperty("items_hash", out JsonElement hash) ? hash.GetString()! : "";
            if (ItemsHash.Length > 0) Assert.Equal(HashOfItems(), ItemsHash);
            Hash = document.GetProperty("hash").GetString()!;
            MayShrink = document.TryGetProperty("allow_shrink", out JsonElement may) && may.GetBoolean();
            long release = ConfigCalls.Number(document, "release");
            Assert.True(release >= DocumentRelease, $"the document went back from r{DocumentRelease} to r{release}");
            DocumentRelease = release;
        }

        Release = to;
        MovedRevision = ConfigCalls.Number(delta, "moved_revision");
        Messages++;
    }

    private string HashOfItems()
    {
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        foreach ((string key, string value) in Values)
        {
            foreach (byte[] text in (byte[][])[Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value)])
            {
                writer.Write(text.Length);
                writer.Write(text);
            }

            writer.Write(_pending.Contains(key));
        }

        return Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(bytes.ToArray()));
    }

    public ValueTask DisposeAsync()
    {
        _lines?.Dispose();
        _http.Dispose();
        return ValueTask.CompletedTask;
    }
}
