using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>An agent that applies nothing, but says what one would: it watches a document of a node and reports, again and again, to whichever member answers.</summary>
internal sealed class FakeAgent : IAsyncDisposable
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri[] _servers;
    private readonly string _node, _document;
    private readonly Task _watching, _reporting;
    private volatile Version? _has;

    private FakeAgent(Uri[] servers, string node, string document)
    {
        (_servers, _node, _document) = (servers, node, document);
        _watching = Task.Run(WatchAsync);
        _reporting = Task.Run(ReportAsync);
    }

    /// <summary>What it has of the document.</summary>
    public sealed record Version(long To, long Release, string Hash, IReadOnlyDictionary<string, string> Values);

    /// <summary>What it says of a version; null says nothing at all.</summary>
    public Func<Version, string?> Judge { get; set; } = _ => "applied";

    /// <summary>Each version that it got, in order.</summary>
    public ConcurrentQueue<Version> Got { get; } = new();

    /// <summary>Told of each version when it comes, and when it was reported for the first time.</summary>
    public Action<string, string, Version> Happened { get; set; } = (_, _, _) => { };

    /// <summary>What went wrong, if anything did.</summary>
    public string? Complaint { get; private set; }

    public string? Value(string key) => _has?.Values.GetValueOrDefault(key);

    public static FakeAgent Start(IEnumerable<TestNode> servers, string node, string document) => new([.. servers.Select(s => s.Options.ListenClientUrls[0])], node, document);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        await _reporting;
        _http.Dispose();
        _stop.Dispose();
        Assert.Null(Complaint);
    }

    private async Task WatchAsync()
    {
        for (int server = 0; !_stop.IsCancellationRequested; server++)
        {
            try
            {
                await WatchAsync(_servers[server % _servers.Length]);
            }
            catch (Exception lost) when (lost is HttpRequestException or IOException or OperationCanceledException)
            {
                await Task.Delay(Heartbeat, CancellationToken.None);   // the member stops, or has not started; the next one
            }
        }
    }

    private async Task WatchAsync(Uri server)
    {
        Version? has = _has;
        object request = new { node = _node, documents = new[] { _document }, from_release = has?.To ?? 0, have = has is null ? Array.Empty<object>() : [new { document = _document, hash = has.Hash, release = has.Release }] };
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(server, "/v1/config/watch")) { Content = new StringContent(JsonSerializer.Serialize(request), Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, _stop.Token);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(_stop.Token));
        while (await lines.ReadLineAsync(_stop.Token) is { } line)
        {
            if (!JsonDocument.Parse(line).RootElement.TryGetProperty("result", out JsonElement delta)) return;
            foreach (JsonElement document in ConfigCalls.List(delta, "documents")) Take(delta, document);
        }
    }

    private void Take(JsonElement delta, JsonElement document)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!document.TryGetProperty("whole", out JsonElement whole) || !whole.GetBoolean())
            foreach ((string key, string value) in _has?.Values ?? values) values[key] = value;
        foreach (JsonElement gone in ConfigCalls.List(document, "removed")) values.Remove(gone.GetString()!);
        foreach (JsonElement item in ConfigCalls.List(document, "set")) values[item.GetProperty("key").GetString()!] = item.GetProperty("value").GetString()!;
        var next = new Version(ConfigCalls.Number(delta, "to_release"), ConfigCalls.Number(document, "release"), document.GetProperty("hash").GetString()!, values);
        if (_has is { } before && (next.Release < before.Release || next.To < before.To))
            Complaint = string.Create(CultureInfo.InvariantCulture, $"{_node} went back from r{before.Release} of r{before.To} to r{next.Release} of r{next.To}");
        Happened(_node, "got", next);
        Got.Enqueue(next);
        _has = next;
    }

    private async Task ReportAsync()
    {
        Version? reported = null;
        for (int server = 0; !_stop.IsCancellationRequested;)
        {
            try
            {
                if (_has is { } has && Judge(has) is { } state)
                {
                    object report = new { node = _node, states = new[] { new { document = _document, release = has.Release, state, hash = has.Hash, message = state == "applied" ? "" : "it would not start" } } };
                    if (reported != has) Happened(_node, state, has);
                    reported = has;
                    using HttpResponseMessage answer = await _http.PostAsJsonAsync(new Uri(_servers[server % _servers.Length], "/v1/config/acknowledge"), report, _stop.Token);
                    if (!answer.IsSuccessStatusCode) server++;
                }

                await Task.Delay(Heartbeat, _stop.Token);
            }
            catch (Exception lost) when (lost is HttpRequestException or OperationCanceledException)
            {
                server++;
            }
        }
    }
}
