using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Client;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>Users with one role each, and what they are answered.</summary>
internal sealed class ConfigUsers : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly ConclaveClient _root;
    private readonly Dictionary<string, string> _tokens = [];

    public ConfigUsers(TestNode node)
    {
        Uri url = node.Options.ListenClientUrls[0];
        _http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };
        _root = new ConclaveClient(new ConclaveClientOptions { Endpoints = [url.ToString()], Credentials = new Credentials("root", "rp") });
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Switches access control on.</summary>
    public async Task EnableAsync()
    {
        await _root.Auth.AddUserAsync("root", "rp", Cancelled);
        await _root.Auth.GrantRoleAsync("root", "root", Cancelled);
        await _root.Auth.EnableAsync(Cancelled);
        await LoginAsync("root", "rp");
    }

    /// <summary>A user that may read and write what begins so. "r:" before a name is to read it, "w:" to write it; one that ends in a slash is all behind it.</summary>
    public async Task AddAsync(string user, params string[] permissions)
    {
        await _root.Auth.AddUserAsync(user, "pw", Cancelled);
        await _root.Auth.AddRoleAsync("of-" + user, Cancelled);
        foreach (string permission in permissions)
        {
            KeyRange range = permission.EndsWith('/') ? KeyRange.Prefix(permission[2..]) : KeyRange.Single(permission[2..]);
            await _root.Auth.GrantPermissionAsync("of-" + user, new Permission(permission[0] == 'r' ? PermissionKind.Read : PermissionKind.Write, range), Cancelled);
        }

        await _root.Auth.GrantRoleAsync(user, "of-" + user, Cancelled);
        await LoginAsync(user, "pw");
    }

    /// <summary>Root's client, for what is no configuration.</summary>
    public ConclaveClient Root => _root;

    /// <summary>The answer and its text. Of a stream only what comes at once.</summary>
    public async Task<(HttpStatusCode Status, string Text)> AskAsync(string user, string method, object request)
    {
        using HttpRequestMessage message = MessageOf(user, method, request);
        using HttpResponseMessage response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        if (method != "watch") return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancelled));
        return (response.StatusCode, await reader.ReadLineAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) ?? "");
    }

    /// <summary>A stream as lines, for as long as it is read.</summary>
    public async Task<StreamReader> OpenAsync(string user, string method, object request)
    {
        using HttpRequestMessage message = MessageOf(user, method, request);
        HttpResponseMessage response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancelled);   // gone with its stream
        return new StreamReader(await response.Content.ReadAsStreamAsync(Cancelled));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _root.DisposeAsync();
    }

    private HttpRequestMessage MessageOf(string user, string method, object request)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, "/v1/config/" + method) { Content = JsonContent.Create(request, request.GetType(), options: new JsonSerializerOptions { PropertyNamingPolicy = null }) };
        if (_tokens.TryGetValue(user, out string? token)) message.Headers.TryAddWithoutValidation("Authorization", token);
        return message;
    }

    private async Task LoginAsync(string name, string password)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync("/v3/auth/authenticate", new { name, password }, Cancelled);
        _tokens[name] = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled)).RootElement.GetProperty("token").GetString()!;
    }
}
