using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;

namespace Conclave.Node.Configuration;

/// <summary>Who may read and change what. The names that permissions are looked up by are those that entries would have, were they keys.</summary>
internal sealed class ConfigAccess(ServiceContext context)
{
    /// <summary>Effective values, entries and history of documents.</summary>
    /// <param name="call">The call.</param>
    /// <param name="space">The space.</param>
    /// <param name="documents">Null: anything in the space.</param>
    public async ValueTask RequireReadAsync(RpcContext call, string space, IEnumerable<string>? documents)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        string[] prefixes = documents is null ? [$"{ConfigKeys.Root}{space}/e/"] : [.. documents.Distinct().Select(d => ConfigKeys.Document(space, d))];
        await context.Auth.CheckReadAsync(call, view, (v, who) => v.Auth.CheckUser(who) is not StoreError.None and var stranger ? stranger   // also where there is no document to read
            : First(prefixes, prefix => v.Auth.CheckRead(who, ConfigKeys.Bytes(prefix), ConfigKeys.Bytes(ConfigKeys.EndOf(prefix)))),
            () => string.Join(' ', prefixes)).ConfigureAwait(false);
    }

    /// <summary>Secrets in clear: root, or who may write below <c>k/</c>. Each use is audited.</summary>
    public async ValueTask RequireRevealAsync(RpcContext call, string space)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        string prefix = ConfigKeys.Secrets(space);
        CommandIdentity asks = default;
        await context.Auth.CheckReadAsync(call, view, (v, who) => v.Auth.CheckWrite(asks = who, ConfigKeys.Bytes(prefix), ConfigKeys.Bytes(ConfigKeys.EndOf(prefix))), () => prefix).ConfigureAwait(false);
        context.Auth.Audit.Administered(call, asks);
    }

    /// <summary>What a change edits, by a view and an identity. Reports and the nodes themselves need write permission on the node.</summary>
    public static StoreError CheckWrite(AuthState auth, in CommandIdentity who, string space, ConfigState state, IEnumerable<Edit> edits)
    {
        StoreError error = auth.CheckUser(who);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (Edit edit in edits)
        {
            if (error != StoreError.None) break;
            string name = edit switch
            {
                EntryEdit entry => ConfigKeys.Entry(space, entry.Document, state.Dimensions.TextOf(entry.Scope), entry.Key),
                SchemaEdit schema => $"{ConfigKeys.Root}{space}/s/{schema.Document}/{schema.Key}",
                NodeEdit node => ConfigKeys.Node(space, node.Node),
                _ => $"{ConfigKeys.Root}{space}/dims",
            };
            if (seen.Add(name)) error = auth.CheckWrite(who, ConfigKeys.Bytes(name), rangeEnd: []);
        }

        return error;
    }

    private static StoreError First(IEnumerable<string> names, Func<string, StoreError> check)
    {
        foreach (string name in names)
        {
            StoreError error = check(name);
            if (error != StoreError.None) return error;
        }

        return StoreError.None;
    }
}
