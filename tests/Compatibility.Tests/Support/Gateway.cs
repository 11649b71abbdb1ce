using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Raw requests over HTTP/1.1, as curl would send them; every answer becomes a line of the transcript.</summary>
internal sealed class Gateway(Uri member, Transcript seen, CancellationToken cancellationToken)
{
    /// <summary>One connection for the whole script: each answer also proves that the one before left it usable.</summary>
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseProxy = false }) { BaseAddress = member, Timeout = TimeSpan.FromSeconds(60) };

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>POSTs a body and notes status and answer.</summary>
    /// <returns>The answer, null when it is not JSON.</returns>
    public Task<JsonNode?> PostAsync(string name, string path, string body) => SendAsync(name, HttpMethod.Post, path, body, "application/json");

    /// <summary>Any method and content type; null sends none.</summary>
    public async Task<JsonNode?> SendAsync(string name, HttpMethod method, string path, string? body, string? contentType)
    {
        using var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version11 };
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            if (contentType is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        JsonNode? json = TryParse(text);
        seen.Add(name, new JsonObject { ["status"] = (int)response.StatusCode, ["body"] = json?.DeepClone() ?? JsonValue.Create(text) });
        return json;
    }

    /// <summary>POSTs to a streaming path and reads until enough was seen; the connection is then closed.</summary>
    /// <param name="name">Line of the transcript.</param>
    /// <param name="path">Streaming method.</param>
    /// <param name="body">One or several JSON objects.</param>
    /// <param name="messages">How many messages to wait for.</param>
    /// <param name="afterFirst">What to do once the first message is there, step by step: each step is taken when one more message has come.</param>
    public async Task StreamAsync(string name, string path, string body, int messages, params Func<Task>[] afterFirst)
    {
        using var own = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = member };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        using HttpResponseMessage response = await own.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(patience.Token));
        var lines = new JsonArray();
        try
        {
            while (lines.Count < messages && await reader.ReadLineAsync(patience.Token) is { } line)
            {
                lines.Add(TryParse(line) ?? JsonValue.Create(line));
                if (lines.Count <= afterFirst.Length)
                    await afterFirst[lines.Count - 1]();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            lines.Add("nothing more came");
        }
        seen.Add(name, new JsonObject { ["status"] = (int)response.StatusCode, ["messages"] = lines });
    }

    private static JsonNode? TryParse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
