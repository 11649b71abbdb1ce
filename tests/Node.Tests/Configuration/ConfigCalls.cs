using System.Globalization;
using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>Calls of the configuration service over its JSON paths, in few words.</summary>
internal static class ConfigCalls
{
    public static object Set(string document, string key, object value, string scope = "*", string op = "set") =>
        new { document, scope, key, op, value = JsonSerializer.Serialize(value) };

    public static Task<(HttpStatusCode Status, JsonElement Body)> TryPublishAsync(this TestNode node, object change, long on = 0, byte[]? request = null, string? draft = null) =>
        node.PostAsync("/v1/config/publish", new { change, draft, reason = "test", author = "tester", @base = on, request_id = request is null ? "" : Convert.ToBase64String(request) });

    public static async Task<long> PublishAsync(this TestNode node, object change, long on = 0, byte[]? request = null, string? draft = null)
    {
        (HttpStatusCode status, JsonElement body) = await node.TryPublishAsync(change, on, request, draft);
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        return Number(body, "release");
    }

    public static Task<long> SetAsync(this TestNode node, string document, string key, object value, string scope = "*") =>
        node.PublishAsync(new { entries = new[] { Set(document, key, value, scope) } });

    /// <summary>Adds nodes below the dimensions role and host.</summary>
    public static Task<long> AddNodesAsync(this TestNode node, params (string Node, string Role)[] nodes) => node.PublishAsync(new
    {
        dimensions = new { dimensions = new object[] { new { name = "region" }, new { name = "role" }, new { name = "host" } }, node_dimension = "host" },
        nodes = nodes.Select(n => new { node = n.Node, assigned = new[] { new { dimension = "role", value = n.Role } } }),
    });

    public static async Task<JsonElement> AskAsync(this TestNode node, string method, object request)
    {
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v1/config/" + method, request);
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        return body;
    }

    /// <summary>A node's document as "key=value" lines, with release and hash before them.</summary>
    public static async Task<string> DocumentAsync(this TestNode node, string of, string document, long minRelease = 0)
    {
        JsonElement body = await node.AskAsync("get", new { subject = new { node = of }, document, min_release = minRelease });
        return $"r{Number(body, "release")} {body.GetProperty("hash").GetString()}\n{string.Join('\n', List(body, "items").Select(i => $"{i.GetProperty("key")}={i.GetProperty("value")}@{i.GetProperty("scope")}"))}";
    }

    /// <summary>The value of one key, as JSON; null when there is none.</summary>
    public static async Task<string?> ValueAsync(this TestNode node, string of, string document, string key)
    {
        JsonElement body = await node.AskAsync("get", new { subject = new { node = of }, document, keys = new[] { key } });
        return List(body, "items").Select(i => i.GetProperty("value").GetString()).SingleOrDefault();
    }

    public static long Number(JsonElement body, string name) => body.TryGetProperty(name, out JsonElement number) ? long.Parse(number.ToString(), CultureInfo.InvariantCulture) : 0;

    public static JsonElement[] List(JsonElement body, string name) => body.TryGetProperty(name, out JsonElement list) ? [.. list.EnumerateArray()] : [];

    public static string MessageOf(JsonElement body) => body.GetProperty("message").GetString()!;
}
