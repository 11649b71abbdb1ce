using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Layers.Wire;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Drafts: changes that are gathered before they are published. No node sees them.</content>
internal sealed partial class ConfigService
{
    private const int DraftsMax = 256;

    private async ValueTask<IMessage> PutDraftAsync(RpcContext call, V1.PutDraftRequest request)
    {
        context.BeginWrite(call);
        if (!ConfigKeys.IsName(request.Name)) throw Invalid($"\"{request.Name}\" is no name of a draft; use 1 to 64 letters, digits, dots, dashes and underscores");
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
            ImmutableArray<Edit> edits = IntentEdits(request.Change);
            ImmutableArray<Edit> asked = edits;
            string key = ConfigKeys.Draft(now.Space, request.Name);
            KeyValue? there = StoreReads.Find(context.View, key);
            if (there is null && StoreReads.All(context.View, ConfigKeys.Drafts(now.Space), keysOnly: true).Count >= DraftsMax)
                throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: there are {DraftsMax} drafts, which is the most; conclave draft drop some"));
            long basis = now.Release;
            V1.Draft? before = there is null ? null : DraftIn(there);
            if (before is not null && request.Merge)
            {
                basis = before.Base;
                edits = Merge(ChangeMessages.Read(before.Change, []), edits);
            }

            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            AuthState auth = context.View.Auth;
            context.Auth.Require(call, who, ConfigAccess.CheckWrite(auth, who, now.Space, now.State, asked));
            if (before is not null) context.Auth.Require(call, who, ConfigAccess.CheckDraft(auth, who, now.Space, request.Name, before.Author));
            context.Auth.Require(call, who, ConfigAccess.CheckWrite(auth, who, now.Space, now.State, edits).Unnamed($"write permission on all that draft {request.Name} edits"));   // what was in it before may be somebody else's
            context.Auth.Require(call, who, ConfigAccess.CheckUse(auth, who, now.Space, SecretUses.BroughtIn(now.State, asked, static _ => false)));
            SecretPart secrets = SealedOn(now, edits, who.User ?? request.Author);   // no draft has a secret in clear
            if (secrets.Problems.Any(p => p.IsError && p.Code != ProblemCodes.Reference)) throw Refused(secrets.Problems);   // a secret that is referred to may come before it is published
            edits = secrets.Edits;
            RequireRoom(now, secrets.Made.Count);
            var draft = new V1.Draft { Name = request.Name, Base = basis, Edits = edits.Length, Author = who.User ?? request.Author, UnixMs = Math.Max(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), before?.UnixMs + 1 ?? 0), Change = ChangeMessages.Of(edits, now.State.Dimensions) };   // the time tells one state of a draft from another
            var txn = new TxnRequest();
            txn.Compare.Add(there is null ? Missing(key) : Unmoved(there));
            txn.Success.Add(Put(key, draft.ToByteString()));
            foreach ((string name, SealedSecret made) in secrets.Made) txn.Success.Add(Put(ConfigKeys.Secret(now.Space, name), UnsafeByteOperations.UnsafeWrap(made.ToBytes())));
            (int bytes, int most) = (txn.CalculateSize(), EntryBytesMax(who));
            if (bytes > most)
                throw Invalid($"draft {request.Name} would have {bytes:N0} bytes with {edits.Length:N0} edits and {secrets.Made.Count:N0} new secrets, and {most:N0} bytes are allowed; it is as it was. Publish what it has first, or use several drafts");
            if (await WriteSecretsAsync(call, now.Space, txn, who).ConfigureAwait(false)) return new V1.PutDraftResponse { Base = basis, Edits = edits.Length };
        }

        throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, $"conclave: the draft {request.Name} was changed {AttemptsMax} times meanwhile; try again"));
    }

    private async ValueTask<IMessage> DraftsAsync(RpcContext call, V1.DraftsRequest request)
    {
        (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, documents: null).ConfigureAwait(false);
        var answer = new V1.DraftsResponse();
        if (request.Name.Length > 0)
        {
            Change change = ReadDraft(now, request.Name, out V1.Draft draft);
            draft.Change = ChangeMessages.Of(change.Edits, now.State.Dimensions, (d, k, v) => ShownInChange(now, change, d, k, v));
            answer.Drafts.Add(draft);
            return answer;
        }

        foreach (KeyValue found in StoreReads.All(context.View, ConfigKeys.Drafts(now.Space)))
        {
            V1.Draft draft = DraftIn(found);
            draft.Change = null;
            answer.Drafts.Add(draft);
        }

        return answer;
    }

    private async ValueTask<IMessage> DropDraftAsync(RpcContext call, V1.DropDraftRequest request)
    {
        context.BeginWrite(call);
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
            Change change = ReadDraft(now, request.Name, out V1.Draft draft, out long revision, out long created);
            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            context.Auth.Require(call, who, ConfigAccess.CheckDraft(context.View.Auth, who, now.Space, request.Name, draft.Author));
            RequireSame(draft, request.UnixMs);
            string key = ConfigKeys.Draft(now.Space, request.Name);
            var txn = new TxnRequest();
            txn.Compare.Add(new Compare { Key = Text(key), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = revision });
            txn.Success.Add(Delete(Text(key)));
            DropUnpublished(txn, now, draft, change, created);
            if (await WriteSecretsAsync(call, now.Space, txn, who).ConfigureAwait(false)) return new V1.DropDraftResponse();
        }

        throw TooMany($"space {NameOf(request.Space)} was changed");
    }

    /// <summary>Others have changed its documents, and its author has seen what.</summary>
    private async ValueTask<IMessage> RebaseDraftAsync(RpcContext call, V1.RebaseDraftRequest request)
    {
        context.BeginWrite(call);
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
            Change change = ReadDraft(now, request.Name, out V1.Draft draft, out long revision);
            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            context.Auth.Require(call, who, ConfigAccess.CheckDraft(context.View.Auth, who, now.Space, request.Name, draft.Author));
            await _access.RequireReadAsync(call, now.Space, change.Documents(), $"read permission on all documents that draft {request.Name} edits").ConfigureAwait(false);   // it shows what others wrote
            RequireSame(draft, request.UnixMs);
            long to = request.To > 0 ? request.To : now.Release;
            if (to > now.Release || to < draft.Base) throw Failed($"draft {request.Name} is on r{draft.Base}, and can be put on a release from there to r{now.Release}; r{to} is none of them");
            var answer = new V1.RebaseDraftResponse { From = draft.Base, To = to };
            answer.Change = Between(await AtReleaseAsync(call, space, now, draft.Base).ConfigureAwait(false), await AtReleaseAsync(call, space, now, to).ConfigureAwait(false), change.Edits, answer.Changes);
            if (request.Preview || to == draft.Base) return answer;
            string key = ConfigKeys.Draft(now.Space, request.Name);
            draft.Base = to;
            var txn = new TxnRequest();
            txn.Compare.Add(new Compare { Key = Text(key), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = revision });
            txn.Success.Add(Put(key, draft.ToByteString()));
            if (await TryWriteAsync(call, txn, who).ConfigureAwait(false)) return answer;
        }

        throw TooMany($"the draft {request.Name} was changed");
    }

    /// <summary>The problems of a draft, with what can be done about those that others made.</summary>
    private static IEnumerable<ConfigProblem> OfDraft(string draft, IEnumerable<ConfigProblem> problems) => draft.Length == 0 ? problems : problems.Select(p => p.Code != ProblemCodes.Conflict ? p
        : p with { Message = $"{p.Message} conclave draft rebase {draft} shows what others changed of what the draft edits, and puts it on the newest release." });

    /// <summary>What was answered about a draft holds for what was in it then.</summary>
    private static void RequireSame(V1.Draft draft, long looked)
    {
        if (looked != 0 && looked != draft.UnixMs)
            throw Refused([new(ProblemCodes.Conflict, $"Draft {draft.Name} was changed by {(draft.Author.Length > 0 ? draft.Author : "somebody")} since it was looked at.")]);
    }

    /// <summary>Values that were sealed for a draft go with it, unless a release or another draft has them.</summary>
    private void DropUnpublished(TxnRequest txn, SpaceSnapshot now, V1.Draft dropped, Change change, long created)
    {
        // What is older than the draft was not made for it. When it was first written says so; its base moves.
        HashSet<string> own = [.. SecretUses.In(change.Edits).Where(n => SecretNames.IsOfEntry(n) && !now.UsesOfSecrets.ContainsKey(n) && now.Secrets.All.TryGetValue(n, out StoredSecret? s) && s.CreateRevision >= created)];
        if (own.Count == 0) return;
        for (long release = now.Release; release > 0 && StoreReads.Find(context.View, ConfigKeys.Release(now.Space, release)) is { } record && record.ModRevision > created; release--)
        {
            // Without the history since then nobody knows; the few bytes stay.
            if (now.State.EditsOf(release) is not { } edits) return;
            own.ExceptWith(SecretUses.In(edits));
        }

        foreach (KeyValue other in StoreReads.All(context.View, ConfigKeys.Drafts(now.Space)))
        {
            var draft = V1.Draft.Parser.ParseFrom(other.Value);
            if (draft.Name != dropped.Name) own.ExceptWith(SecretUses.In(ChangeMessages.Read(draft.Change, [])));
        }

        if (own.Count == 0) return;
        txn.Compare.Add(HeadIs(now));   // a release that came meanwhile may have them
        foreach (string name in own.Order(StringComparer.Ordinal)) txn.Success.Add(Delete(Text(ConfigKeys.Secret(now.Space, name))));
    }

    /// <summary>Puts a transaction of the server through the log.</summary>
    /// <returns>False when its conditions did not hold.</returns>
    private async ValueTask<bool> TryWriteAsync(RpcContext call, TxnRequest txn, CommandIdentity who)
    {
        byte[] body = txn.ToByteArray();
        if (body.Length > EntryBytesMax(who)) throw new GrpcException(EtcdErrors.RequestTooLarge);
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        ApplyOutcome outcome = Statuses.Outcome(await ProposeAsync(call, body, who).ConfigureAwait(false));
        return TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded;
    }

    private Change ReadDraft(SpaceSnapshot now, string name, out V1.Draft draft) => ReadDraft(now, name, out draft, out _);

    private Change ReadDraft(SpaceSnapshot now, string name, out V1.Draft draft, out long revision) => ReadDraft(now, name, out draft, out revision, out _);

    private Change ReadDraft(SpaceSnapshot now, string name, out V1.Draft draft, out long revision, out long created)
    {
        KeyValue found = (ConfigKeys.IsName(name) ? StoreReads.Find(context.View, ConfigKeys.Draft(now.Space, name)) : null)
            ?? throw NotFound($"there is no draft {name}; conclave draft list shows them");
        draft = DraftIn(found);
        (revision, created) = (found.ModRevision, found.CreateRevision);
        var problems = new List<ConfigProblem>();
        ImmutableArray<Edit> edits = ChangeMessages.Read(draft.Change, problems);
        return problems.Count == 0 ? new Change(draft.Base, edits) : throw Refused(problems);
    }

    /// <remarks>Only the server writes there. What it cannot read came with a backup or a state of somebody else.</remarks>
    private static V1.Draft DraftIn(KeyValue found)
    {
        try
        {
            return MessageBytes.Parse(V1.Draft.Parser, found.Value.Span);
        }
        catch (UnreadableMessageException)
        {
            throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, $"conclave: what is kept at {found.Key.ToStringUtf8()} is no draft"));
        }
    }

    private static ImmutableArray<Edit> IntentEdits(V1.Change? change)
    {
        var problems = new List<ConfigProblem>();
        ImmutableArray<Edit> edits = ChangeMessages.Read(change, problems);
        problems.AddRange(FingerprintsIn(edits));
        return problems.Any(p => p.IsError) ? throw Refused(problems) : edits;
    }

    /// <summary>Of two edits of one thing the later counts, in the place of the earlier.</summary>
    private static ImmutableArray<Edit> Merge(ImmutableArray<Edit> before, ImmutableArray<Edit> added)
    {
        var byAddress = new OrderedDictionary<object, Edit>();
        foreach (Edit edit in before.Concat(added)) byAddress[edit.Address] = edit;
        return [.. byAddress.Values];
    }

    private static Compare Unmoved(KeyValue there) =>
        new() { Key = there.Key, Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = there.ModRevision };
}
