using System.Collections.Immutable;
using System.Text;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Layers.Serving.Secrets;
using Conclave.Layers.Wire;
using Conclave.Node.Auth;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Changes: what they would do, and making them a release.</content>
internal sealed partial class ConfigService
{
    private const int RequestIdBytes = 16, AttemptsMax = 16;

    /// <summary>Bytes of a log entry that are not the release record.</summary>
    private const int EntrySlackBytes = 64 << 10;

    /// <summary>What is to be published, made anew for each head that it is tried on.</summary>
    /// <param name="Change">The edits, and the release they were made for.</param>
    /// <param name="Draft">A draft that the same entry drops, as it was when it was read; null for none.</param>
    /// <param name="DraftRevision">Where the draft was written last.</param>
    /// <param name="IsSoAlready">There were edits, and none changes anything.</param>
    private sealed record Intent(Change Change, V1.Draft? Draft, long DraftRevision, bool IsSoAlready = false)
    {
        /// <summary>All edits, those too that change nothing: permissions are asked for these.</summary>
        public required ImmutableArray<Edit> Asked { get; init; }

        /// <summary>The secrets that it needs and makes.</summary>
        public required SecretPart Secrets { get; init; }
    }

    // ReturnsTo: the release that a rollback gives back; 0 for none.
    private sealed record Publication(string Space, string Author, string Reason, string Ticket, ReadOnlyMemory<byte> RequestId, V1.Strategy? Strategy, bool AllowShrink, long ReturnsTo = 0);

    private async ValueTask<IMessage> PlanAsync(RpcContext call, V1.PlanRequest request)
    {
        (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        Intent intent = IntentOf(now, request.Change, request.Draft, request.Base, author: "");
        Change change = intent.Change;
        await _access.RequireReadAsync(call, now.Space, new Change(change.Base, intent.Asked).Documents().Union(intent.Secrets.BroughtIn.Documents),
            intent.Draft is null ? null : $"read permission on all documents that draft {intent.Draft.Name} edits or refers to").ConfigureAwait(false);
        now = now.With(intent.Secrets.Made);
        var answer = new V1.PlanResponse { Base = now.Release, Change = ChangeMessages.Of(change.Edits, now.State.Dimensions, (d, k, v) => ShownInChange(now, change, d, k, v)) };
        answer.Problems.AddRange(intent.Secrets.Problems.Select(Shown.Problem));
        if (change.Edits.IsEmpty)
        {
            answer.Impact = new V1.Impact { NodesTotal = now.State.Nodes.Count };
            return answer;
        }

        Plan plan = now.Fleet.Plan(change, new ReleaseNote { Author = "plan", Reason = "plan" }, now.Inputs);
        answer.Problems.AddRange(OfDraft(request.Draft, plan.Problems).Concat(RolloutChecks.Touching(now, change)).Concat(plan.After is { } fleet ? RolloutChecks.Breaking(now, change, fleet) : []).Select(Shown.Problem));
        if (plan.Impact is { } impact) answer.Impact = Shown.Impact(impact);
        if (plan.After is { } after) answer.Changes.AddRange(change.Edits.OfType<EntryEdit>().Select(e => Shown.EntryChange(now, after, e)).OfType<V1.EntryChange>());
        return answer;
    }

    private async ValueTask<IMessage> PublishAsync(RpcContext call, V1.PublishRequest request)
    {
        long fixedBase = request.Base;
        return await PublishAsync(call, new Publication(NameOf(request.Space), request.Author, request.Reason, request.Ticket, request.RequestId.Memory, request.Strategy, request.AllowShrink), now =>
        {
            Intent intent = IntentOf(now, request.Change, request.Draft, fixedBase, request.Author);
            fixedBase = fixedBase == 0 ? intent.Change.Base : fixedBase;   // what was newest when it was first looked at is what the author saw
            return new(intent);
        }).ConfigureAwait(false);
    }

    private ValueTask<IMessage> RollbackAsync(RpcContext call, V1.RollbackRequest request)
    {
        if (request.To <= 0) throw Invalid("name the release to go back to");
        return PublishAsync(call, new Publication(NameOf(request.Space), request.Author, request.Reason, request.Ticket, request.RequestId.Memory, request.Strategy, request.AllowShrink, request.To), async now =>
        {
            if (request.To > now.Release) throw Failed($"release {request.To} cannot be returned to; 1 to {now.Release} can");
            Change back = request.To >= now.State.OldestReachable ? now.State.ReturnTo(request.To)
                : new Change(now.Release, now.State.EditsTo((await FleetAtAsync(call, engine.Of(now.Space), now, request.To, () => RequireSomeWriteAsync(call, now)).ConfigureAwait(false)).State));
            SecretPart secrets = SealedOn(now, back.Edits, request.Author);
            // It takes back everything since, so whatever came after what was looked at would go unseen. Said after permissions are checked, as all that is said of others.
            if (request.Base > 0 && request.Base != now.Release) secrets = secrets with { Problems = secrets.Problems.Add(LookedAtAnother(now, request.Base)) };
            return new Intent(back with { Edits = secrets.Edits }, null, 0, IsSoAlready: Shown.Effective(now.State, secrets.Edits).IsEmpty) { Asked = back.Edits, Secrets = secrets with { BroughtIn = Brought.Nothing } };
        });
    }

    private async ValueTask<IMessage> PublishAsync(RpcContext call, Publication publication, Func<SpaceSnapshot, ValueTask<Intent>> intentOn)
    {
        context.BeginWrite(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        string space = publication.Space;
        if (publication.Reason.Trim().Length == 0) throw Invalid("a release needs a reason (conclave publish -m)");
        if (publication.RequestId.Length is not 0 and not RequestIdBytes) throw Invalid($"a request id has {RequestIdBytes} bytes, and {publication.RequestId.Length} came");
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        Strategy? strategy = StrategyOf(publication.Strategy);
        long known = 0;
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            if (attempt == 1) await context.ConfirmReadAsync(call).ConfigureAwait(false);
            known = Math.Max(known, StoreReads.Find(context.View, ConfigKeys.Head(space)) is { } head ? ConfigKeys.Number(head.Value.Span) : 0);
            await WaitForAsync(call, space, known).ConfigureAwait(false);
            SpaceSnapshot now = await WithRolloutsAsync(call, space).ConfigureAwait(false);
            StoreView view = context.View;   // at least as new: in an older one a release of this very request could be missing, and would be taken for somebody else's
            if (ReleaseEntry.Published(view, space, publication.RequestId.Span) is { } earlier) return await AnsweredAsync(call, space, earlier, null).ConfigureAwait(false);
            if (now.Release == 0 && engine.SpaceCount >= ConfigEngine.SpacesMax && engine.Of(space).Current.Release == 0)
                throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: there are {ConfigEngine.SpacesMax} spaces, which is the most"));

            Intent intent = await intentOn(now).ConfigureAwait(false);
            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            Lack lack = ConfigAccess.CheckWrite(context.View.Auth, who, space, now.State, intent.Asked).Or(() => ConfigAccess.CheckUse(context.View.Auth, who, space, intent.Secrets.BroughtIn));
            context.Auth.Require(call, who, UnsaidIn(publication, intent, who) is { } all ? lack.Unnamed(all) : lack);
            // After the check, and that of all that was asked: else values could be guessed by whoever may not read them.
            if (intent.IsSoAlready && intent.Draft is null)
                return new V1.PublishResponse { Release = now.Release, Unchanged = true, Impact = new V1.Impact { NodesTotal = now.State.Nodes.Count } };
            RefuseForRollouts(RolloutChecks.Touching(now, intent.Change));
            if (intent.Secrets.Problems.Any(p => p.IsError)) throw Refused(intent.Secrets.Problems);
            Plan plan = now.Fleet.Plan(intent.Change, NoteFor(publication, now, who.User), now.Inputs);
            if (plan.Record is not { } record || plan.Impact is null) throw Refused(OfDraft(intent.Draft?.Name ?? "", plan.Problems));
            RefuseForRollouts(RolloutChecks.Breaking(now, intent.Change, plan.After!));   // there is one where there is a record
            RequireRoom(now, intent.Secrets.Made.Count);
            byte[] body = EntryOf(view, now, publication, intent, record, RolloutOf(now, plan, strategy), who);

            ProposalResult result = await ProposeAsync(call, body, who).ConfigureAwait(false);
            if (result.Outcome.Error is StoreError.AuthRevisionOld or StoreError.UserEmpty && attempt < AttemptsMax && context.Auth.MayDoBetter(call, result.Outcome.Error, who)) continue;
            TxnResponse answer = TxnResponse.Parser.ParseFrom(Statuses.Outcome(result).Body.Span);
            if (answer.Succeeded) return await AnsweredAsync(call, space, now.Release + 1, plan, intent.Secrets.Problems).ConfigureAwait(false);
            await WaitForRevisionAsync(call, space, context.View.Revision).ConfigureAwait(false);   // secrets may have gone without a release
            known = now.Release;   // something was faster: look again, at least at what this member has applied by now
        }

        throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, $"conclave: {AttemptsMax} attempts met another release each; try again"));
    }

    /// <summary>What a change takes that others wrote, without saying what it is: the caller may not know that. Null: he made it himself.</summary>
    private static string? UnsaidIn(Publication publication, Intent intent, in CommandIdentity who) =>
        publication.ReturnsTo > 0 ? $"write permission on all that was changed since release {publication.ReturnsTo}; conclave diff r{publication.ReturnsTo} shows it to who may read it"
        : intent.Draft is { } draft && (draft.Author.Length == 0 || draft.Author != who.User) ? $"write permission on all that draft {draft.Name} edits, and read permission on what that refers to; conclave draft show {draft.Name} shows it to who may read it"
        : null;

    private async ValueTask<ProposalResult> ProposeAsync(RpcContext call, byte[] body, CommandIdentity who)
    {
        if (context.Replica.IsOverloaded) throw new GrpcException(EtcdErrors.TooManyRequests);
        ValueTask<ProposalResult> proposal = context.Replica.Proposals.ProposeAsync(CommandKind.ServerTxn, body, default, who);
        call.Outcome = WriteOutcome.Unknown;
        ProposalResult result = call.Timeout is null ? await proposal.ConfigureAwait(false) : await proposal.AsTask().WaitAsync(call.Cancellation).ConfigureAwait(false);
        if (result.End != ProposalEnd.Unknown) call.Outcome = WriteOutcome.Refused;
        if (!who.IsNone) context.Auth.Audit.Wrote(call, who, CommandKind.ServerTxn, body, result.End == ProposalEnd.Applied ? result.Outcome.Error : null);
        return result;
    }

    /// <summary>Answers when this member serves the release, so that whoever asks here next sees it.</summary>
    private async ValueTask<IMessage> AnsweredAsync(RpcContext call, string space, long release, Plan? plan, ImmutableArray<ConfigProblem> further = default)
    {
        await WaitForAsync(call, space, release).ConfigureAwait(false);
        var answer = new V1.PublishResponse { Release = release, Rollout = StoreReads.Find(context.View, ConfigKeys.Rollout(space, release)) is not null };
        if (plan?.Impact is { } impact) answer.Impact = Shown.Impact(impact);
        if (plan is not null) answer.Warnings.AddRange(further.Concat(plan.Problems).Select(Shown.Problem));
        return answer;
    }

    private Intent IntentOf(SpaceSnapshot now, V1.Change? message, string draft, long givenBase, string author)
    {
        if (draft.Length > 0)
        {
            Change drafted = ReadDraft(now, draft, out V1.Draft found, out long revision);
            SecretPart inDraft = SealedOn(now, drafted.Edits, author, owner: found.Author);   // a schema may have become secret since
            return new Intent(drafted with { Edits = Shown.Effective(now.State, inDraft.Edits) }, found, revision) { Asked = drafted.Edits, Secrets = inDraft };
        }

        var problems = new List<ConfigProblem>();
        ImmutableArray<Edit> edits = ChangeMessages.Read(message, problems);
        problems.AddRange(FingerprintsIn(edits));
        if (problems.Any(p => p.IsError)) throw Refused(problems);
        SecretPart secrets = SealedOn(now, edits, author);
        ImmutableArray<Edit> effective = Shown.Effective(now.State, secrets.Edits);
        return new Intent(new Change(givenBase == 0 ? now.Release : givenBase, effective), null, 0, IsSoAlready: effective.IsEmpty && !edits.IsEmpty && !secrets.Problems.Any(p => p.IsError)) { Asked = edits, Secrets = secrets };
    }

    private static ConfigProblem LookedAtAnother(SpaceSnapshot now, long looked)
    {
        string author = now.State.Notes.TryGetValue(looked + 1, out ReleaseNote? came) && came.Author.Length > 0 ? came.Author : "somebody";
        return new ConfigProblem(ProblemCodes.Conflict, looked > now.Release ? $"Release {looked} was looked at, and the newest is {now.Release}."
            : $"Release {looked} was looked at, and release {looked + 1} by {author} has come since. It would be taken back too.");
    }

    private static ReleaseNote NoteFor(Publication publication, SpaceSnapshot now, string? user)
    {
        long clock = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        long before = now.State.Notes.TryGetValue(now.Release, out ReleaseNote? last) ? last.TimeUnixMs : 0;
        return new ReleaseNote { Author = user ?? publication.Author, TimeUnixMs = Math.Max(clock, before), Reason = publication.Reason, Ticket = publication.Ticket, AllowShrink = publication.AllowShrink, Reverts = -publication.ReturnsTo };
    }

    /// <summary>The one log entry: only if the head is still this one, the record, the head, and what goes with them.</summary>
    private byte[] EntryOf(StoreView view, SpaceSnapshot now, Publication publication, Intent intent, ChangeRecord record, NewRollout? rollout, in CommandIdentity who)
    {
        byte[] bytes = record.ToBytes();
        (int edits, int room, int inverse) = (record.Change.Edits.Length, EntryBytesMax(who), rollout?.InverseBytes.Length ?? 0);   // what takes it back is in the same entry
        int most = Math.Max(0, room - Math.Min(EntrySlackBytes, room / 4) - inverse);
        if (bytes.Length > most)
        {
            string of = inverse == 0 ? "" : $", beside the {inverse:N0} bytes that would take it back";
            throw TooLarge(publication, $"the release has {bytes.Length:N0} bytes in {edits:N0} edits, and {most:N0} bytes are allowed{of}", edits, (most + inverse) / (double)(bytes.Length + inverse));
        }

        TxnRequest txn = ReleaseEntry.Of(view, now, record, bytes, publication.RequestId.Span);
        AddSecrets(txn, publication.Space, intent.Secrets, record.Change.Edits);
        if (rollout is not null) RolloutEntries.Begin(txn, view, now, rollout);
        RolloutEntries.Guard(txn, now, intent.Change);
        if (intent.Draft is { } draft)
        {
            string key = ConfigKeys.Draft(publication.Space, draft.Name);
            txn.Compare.Add(new Compare { Key = Text(key), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = intent.DraftRevision });
            txn.Success.Add(Delete(Text(key)));
        }

        byte[] body = txn.ToByteArray();
        return body.Length <= room ? body
            : throw TooLarge(publication, $"the release has {body.Length:N0} bytes with {edits:N0} edits and {intent.Secrets.Made.Count:N0} new secrets, and {room:N0} bytes are allowed", edits, (double)room / body.Length);
    }

    /// <summary>Bytes of a transaction that the log takes from this caller.</summary>
    private int EntryBytesMax(in CommandIdentity who) => context.Options.MaxRequestBytes - Command.IdentityHeaderBytes - Encoding.UTF8.GetByteCount(who.User ?? "");

    private static GrpcException TooLarge(Publication publication, string what, int edits, double share) => Invalid($"{what}; about {Math.Max(1, (long)(edits * share)):N0} such edits fit, "
        + (publication.ReturnsTo == 0 ? "so publish it in several parts" : $"so go back in several parts: conclave export DIRECTORY --at r{publication.ReturnsTo}, and then conclave apply --prune -f DIRECTORY"));

    private static string ShownInChange(SpaceSnapshot now, Change change, string document, string key, Value value) =>
        Shown.IsHidden(value, change.Edits.Any(e => e is SchemaEdit { Schema.Secret: true } schema && schema.Document == document && schema.Key == key))
            ? now.Secrets.Hide(value).ToString() : Shown.Entry(now, document, key, value);

    private static Compare Missing(string key) =>
        new() { Key = Text(key), Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = 0 };

    private static RequestOp Put(string key, ByteString value) => new() { RequestPut = new PutRequest { Key = Text(key), Value = value } };

    private static RequestOp Delete(ByteString key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = key } };

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}
