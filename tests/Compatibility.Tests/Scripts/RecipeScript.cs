using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>The contract's test vectors for the Lock and Election services.</summary>
internal static class RecipeScript
{
    private const long Lease = 76234;

    public static async Task RunAsync(Target t)
    {
        Gateway g = t.Gateway;
        await g.PostAsync("grant", "/v3/lease/grant", $$"""{"TTL":30,"ID":{{Lease}}}""");
        await g.PostAsync("17 lock", "/v3/lock/lock", $$"""{"name":"{{t.Key("mylock")}}","lease":{{Lease}}}""");
        await g.PostAsync("18 lock with an unknown lease", "/v3/lock/lock", $$"""{"name":"{{t.Key("mylock")}}","lease":77}""");
        await g.PostAsync("19 election without leader", "/v3/election/leader", $$"""{"name":"{{t.Key("el")}}"}""");
        await g.PostAsync("20 campaign", "/v3/election/campaign", $$"""{"name":"{{t.Key("el")}}","lease":{{Lease}},"value":"djE="}""");
        await g.PostAsync("revoke", "/v3/lease/revoke", $$"""{"ID":{{Lease}}}""");
    }
}
