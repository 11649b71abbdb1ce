using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;

namespace Conclave.Node.Configuration;

/// <summary>Who may read and change what. The names that permissions are looked up by are those that entries would have, were they keys.</summary>
/// <remarks>Who is refused is told which permission he lacks, where the name follows from what he asked: names out of what is stored stay unsaid.</remarks>
internal sealed class ConfigAccess(ServiceContext context)
{
    private const string Read = "read", Write = "write";

    /// <summary>That an audit line shows.</summary>
    private const int NamesMax = 8;

    /// <summary>Effective values, entries and history of documents.</summary>
    /// <param name="call">The call.</param>
    /// <param name="space">The space.</param>
    /// <param name="documents">Null: anything in the space.</param>
    /// <param name="unnamed">Where the documents come from what is stored, and not from the caller: what is said instead of their names.</param>
    public async ValueTask RequireReadAsync(RpcContext call, string space, IEnumerable<string>? documents, string? unnamed = null)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        string[] prefixes = PrefixesOf(space, documents);
        Lack lack = default;
        await context.Auth.CheckReadAsync(call, view, (v, who) => (lack = CheckRead(v.Auth, who, prefixes)).Error, () => string.Concat(prefixes.Take(NamesMax).Select(p => AuditLog.Range(ConfigKeys.Bytes(p), []))),
            () => unnamed is null ? lack : lack.Unnamed(unnamed)).ConfigureAwait(false);
    }

    /// <summary>What is to be readable for documents; null is anything in the space.</summary>
    public static string[] PrefixesOf(string space, IEnumerable<string>? documents) =>
        documents is null ? [$"{ConfigKeys.Root}{space}/e/"] : [.. documents.Distinct().Select(d => ConfigKeys.Document(space, d))];

    /// <summary>Whether somebody is a user and may read all that begins so.</summary>
    public static Lack CheckRead(AuthState auth, CommandIdentity who, string[] prefixes) =>
        auth.CheckUser(who) is not StoreError.None and var stranger ? new Lack(stranger)   // also where there is no document to read
            : First(prefixes, prefix => Lack.Of(CheckRead(auth, who, prefix), Read, prefix, withAllBelow: true));

    /// <summary>Which documents the caller may read, for answers that could name others.</summary>
    public async ValueTask<Func<string, bool>> ReadableAsync(RpcContext call, string space)
    {
        if (!context.Auth.IsOn) return static _ => true;
        CommandIdentity who = await context.Auth.IdentifyAsync(call).ConfigureAwait(false);
        AuthState auth = context.View.Auth;
        return document => CheckRead(auth, who, ConfigKeys.Document(space, document)) == StoreError.None;
    }

    /// <summary>Secrets in clear: root, or who may write below <c>k/</c>. Each use is audited, with what was asked for; also where everybody may.</summary>
    /// <param name="call">The call.</param>
    /// <param name="space">The space.</param>
    /// <param name="documents">For the audit; none is all of them.</param>
    public async ValueTask RequireRevealAsync(RpcContext call, string space, ICollection<string> documents)
    {
        StoreView view = context.View;
        string prefix = ConfigKeys.Secrets(space);
        CommandIdentity asks = default;
        if (view.Auth.IsEnabled)
            await context.Auth.CheckReadAsync(call, view, (v, who) => CheckWrite(v.Auth, asks = who, prefix), () => " " + prefix, () => Needed(Write, prefix, withAllBelow: true)).ConfigureAwait(false);
        context.Auth.Audit.Revealed(call, asks, documents.Count == 0 ? [$"{ConfigKeys.Root}{space}/e/"] : [.. documents.Select(d => ConfigKeys.Document(space, d))]);
    }

    /// <summary>The list of a space's secrets, which has no values: who may read or write below <c>k/</c>.</summary>
    public async ValueTask RequireListAsync(RpcContext call, string space)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        string prefix = ConfigKeys.Secrets(space);
        await context.Auth.CheckReadAsync(call, view, (v, who) => Either(CheckRead(v.Auth, who, prefix), CheckWrite(v.Auth, who, prefix)), () => " " + prefix,
            () => Needed("read or write", prefix, withAllBelow: true)).ConfigureAwait(false);
    }

    /// <summary>Reporting a node's state and facts. Another name than the node's own: who may report must not be able to move the node to where other secrets are.</summary>
    public async ValueTask RequireReportAsync(RpcContext call, string space, string node)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        string name = ConfigKeys.Facts(space, node);
        byte[] key = ConfigKeys.Bytes(name);
        await context.Auth.CheckReadAsync(call, view, (v, who) => v.Auth.CheckWrite(who, key, []), () => " " + name, () => Needed(Write, name)).ConfigureAwait(false);
    }

    /// <summary>Writing and dropping one secret.</summary>
    public static Lack CheckSecret(AuthState auth, in CommandIdentity who, string space, string name) =>
        Lack.Of(auth.CheckWrite(who, ConfigKeys.Bytes(ConfigKeys.Secret(space, name)), rangeEnd: []), Write, ConfigKeys.Secret(space, name));

    /// <summary>Rewrapping all secrets of a space, or (null) of all.</summary>
    public static Lack CheckRotate(AuthState auth, in CommandIdentity who, string? space) => CheckAll(auth, who, space is null ? ConfigKeys.Root : ConfigKeys.Secrets(space));

    /// <summary>Referring to secrets and to other documents: else whoever may write one entry of one node could have anything brought there.</summary>
    /// <remarks>A secret may be behind other documents' references, so its name is not said.</remarks>
    public static Lack CheckUse(AuthState auth, in CommandIdentity who, string space, Brought brought)
    {
        CommandIdentity user = who;
        return First(brought.Documents, document => ConfigKeys.Document(space, document) is var prefix ? Lack.Of(CheckRead(auth, user, prefix), Read, prefix, withAllBelow: true) : default)
            .Or(() => First(brought.Secrets, name => ConfigKeys.Secret(space, name) is var secret && ConfigKeys.Bytes(secret) is var key
                ? Lack.Of(Either(auth.CheckRead(user, key, []), auth.CheckWrite(user, key, [])), "read or write", secret)
                    .Unnamed($"read or write permission on each secret that a value refers to, also by way of other keys; they are below {ConfigKeys.Secrets(space)}") : default));
    }

    /// <summary>All of a document or of another prefix, to be written.</summary>
    public static Lack CheckAll(AuthState auth, in CommandIdentity who, string prefix) => Lack.Of(CheckWrite(auth, who, prefix), Write, prefix, withAllBelow: true);

    /// <summary>Replacing and dropping a draft: its author, or who may write <c>d/NAME</c>.</summary>
    public static Lack CheckDraft(AuthState auth, in CommandIdentity who, string space, string name, string author) =>
        !auth.IsEnabled || (who.User == author && author.Length > 0) ? Lack.Nothing
            : Lack.Of(auth.CheckWrite(who, ConfigKeys.Bytes(ConfigKeys.Draft(space, name)), rangeEnd: []), Write, ConfigKeys.Draft(space, name));

    /// <summary>What a change edits, by a view and an identity. To move a node takes write permission on the node, which its agent does not have.</summary>
    public static Lack CheckWrite(AuthState auth, in CommandIdentity who, string space, ConfigState state, IEnumerable<Edit> edits)
    {
        var lack = new Lack(auth.CheckUser(who));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (Edit edit in edits)
        {
            if (!lack.IsNone) break;
            string name = edit switch
            {
                EntryEdit entry => ConfigKeys.Entry(space, entry.Document, state.Dimensions.TextOf(entry.Scope), entry.Key),
                SchemaEdit schema => $"{ConfigKeys.Root}{space}/s/{schema.Document}/{schema.Key}",
                NodeEdit node => ConfigKeys.Node(space, node.Node),
                _ => $"{ConfigKeys.Root}{space}/dims",
            };
            if (seen.Add(name)) lack = Lack.Of(auth.CheckWrite(who, ConfigKeys.Bytes(name), rangeEnd: []), Write, name);
        }

        return lack;
    }

    private static StoreError CheckRead(AuthState auth, in CommandIdentity who, string prefix) => auth.CheckRead(who, ConfigKeys.Bytes(prefix), ConfigKeys.Bytes(ConfigKeys.EndOf(prefix)));

    private static StoreError CheckWrite(AuthState auth, in CommandIdentity who, string prefix) => auth.CheckWrite(who, ConfigKeys.Bytes(prefix), ConfigKeys.Bytes(ConfigKeys.EndOf(prefix)));

    private static StoreError Either(StoreError one, StoreError other) => one == StoreError.None ? StoreError.None : other;

    private static Lack Needed(string access, string name, bool withAllBelow = false) => Lack.Of(StoreError.PermissionDenied, access, name, withAllBelow);

    private static Lack First(IEnumerable<string> names, Func<string, Lack> check)
    {
        foreach (string name in names)
        {
            Lack lack = check(name);
            if (!lack.IsNone) return lack;
        }

        return Lack.Nothing;
    }
}
