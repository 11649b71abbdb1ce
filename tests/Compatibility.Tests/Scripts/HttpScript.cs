using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>The pages beside the gateway.</summary>
internal static class HttpScript
{
    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        await g.SendAsync("version", HttpMethod.Get, "/version", null, null);
        await g.SendAsync("health", HttpMethod.Get, "/health", null, null);
        await g.SendAsync("health by POST", HttpMethod.Post, "/health", "", null);
    }
}
