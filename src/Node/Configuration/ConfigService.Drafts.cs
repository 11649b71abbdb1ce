using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Serving;
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
            string key = ConfigKeys.Draft(now.Space, request.Name);
            KeyValue? there = StoreReads.Find(context.View, key);
            if (there is null && StoreReads.All(context.View, ConfigKeys.Drafts(now.Space), keysOnly: true).Count >= DraftsMax)
                throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: there are {DraftsMax} drafts, which is the most; conclave draft drop some"));
            long basis = now.Release;
            if (there is not null && request.Merge)
            {
                V1.Draft before = DraftIn(there);
                basis = before.Base;
                edits = Merge(ChangeMessages.Read(before.Change, []), edits);
            }

            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            Statuses.ThrowIf(ConfigAccess.CheckWrite(context.View.Auth, who, now.Space, now.State, edits));
            var draft = new V1.Draft { Name = request.Name, Base = basis, Edits = edits.Length, Author = who.User ?? request.Author, UnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), Change = ChangeMessages.Of(edits, now.State.Dimensions) };
            var txn = new TxnRequest();
            txn.Compare.Add(there is null ? Missing(key) : Unmoved(there));
            txn.Success.Add(Put(key, draft.ToByteString()));
            if (await TryWriteAsync(call, txn, who).ConfigureAwait(false)) return new V1.PutDraftResponse { Base = basis, Edits = edits.Length };
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
        (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        Change change = ReadDraft(now, request.Name, out _);
        CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
        Statuses.ThrowIf(ConfigAccess.CheckWrite(context.View.Auth, who, now.Space, now.State, change.Edits));
        var txn = new TxnRequest();
        txn.Success.Add(Delete(Text(ConfigKeys.Draft(now.Space, request.Name))));
        await TryWriteAsync(call, txn, who).ConfigureAwait(false);
        return new V1.DropDraftResponse();
    }

    /// <summary>Puts a transaction of the server through the log.</summary>
    /// <returns>False when its conditions did not hold.</returns>
    private async ValueTask<bool> TryWriteAsync(RpcContext call, TxnRequest txn, CommandIdentity who)
    {
        byte[] body = txn.ToByteArray();
        if (body.Length > context.Options.MaxRequestBytes) throw new GrpcException(EtcdErrors.RequestTooLarge);
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        ApplyOutcome outcome = Statuses.Outcome(await ProposeAsync(call, body, who).ConfigureAwait(false));
        return TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded;
    }

    private Change ReadDraft(SpaceSnapshot now, string name, out V1.Draft draft) => ReadDraft(now, name, out draft, out _);

    private Change ReadDraft(SpaceSnapshot now, string name, out V1.Draft draft, out long revision)
    {
        KeyValue found = (ConfigKeys.IsName(name) ? StoreReads.Find(context.View, ConfigKeys.Draft(now.Space, name)) : null)
            ?? throw NotFound($"there is no draft {name}; conclave draft list shows them");
        draft = DraftIn(found);
        revision = found.ModRevision;
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
