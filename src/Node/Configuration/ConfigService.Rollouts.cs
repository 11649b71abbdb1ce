using System.Diagnostics;
using System.Globalization;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Layers.Wire;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Releases that reach their nodes in stages.</content>
internal sealed partial class ConfigService
{
    private const int RolloutsUsual = 100;

    private async ValueTask<IMessage> RolloutsAsync(RpcContext call, V1.RolloutsRequest request)
    {
        (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        now = await WithRolloutsAsync(call, now.Space).ConfigureAwait(false);
        var answer = new V1.RolloutsResponse();
        if (request.Release > 0)
        {
            V1.Rollout one = MessageOf(now, Recorded(now.Space, request.Release));
            await _access.RequireReadAsync(call, now.Space, one.Documents, $"read permission on all documents of release {request.Release}").ConfigureAwait(false);
            answer.Rollouts.Add(one);
            return answer;
        }

        await _access.RequireReadAsync(call, now.Space, documents: null).ConfigureAwait(false);
        int limit = request.Limit is > 0 and < RolloutEntries.EndedMax ? (int)request.Limit : request.Limit > 0 ? RolloutEntries.EndedMax : RolloutsUsual;
        V1.Rollout[] all = [.. StoreReads.All(context.View, ConfigKeys.Rollouts(now.Space)).Reverse().Select(kv => V1.RolloutRecord.Parser.ParseFrom(kv.Value).Rollout)];
        answer.Rollouts.AddRange(all.Where((r, i) => i < limit || IsActive(now, r)).Select(r => MessageOf(now, r)));
        return answer;
    }

    private async ValueTask<IMessage> SteerRolloutAsync(RpcContext call, V1.SteerRolloutRequest request)
    {
        context.BeginWrite(call);
        if (request.Action is not ("pause" or "resume" or "abort" or "advance")) throw Invalid($"\"{request.Action}\" is nothing that can be done with a rollout; there are pause, resume, abort, advance");
        if (request.Action is "abort" or "advance" && request.Reason.Trim().Length == 0) throw Invalid($"to {request.Action} a rollout needs a reason");
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
            now = await WithRolloutsAsync(call, now.Space).ConfigureAwait(false);
            V1.Rollout recorded = Recorded(now.Space, request.Release);
            CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            foreach (string document in recorded.Documents)
            {
                Lack lack = ConfigAccess.CheckAll(context.View.Auth, who, ConfigKeys.Document(now.Space, document));
                context.Auth.Require(call, who, lack.Unnamed($"write permission on all of each document of release {request.Release}; conclave rollout status r{request.Release} names them to who may read them"));
            }

            if (now.Rollouts.FirstOrDefault(a => a.Rollout.Release == request.Release) is not { } active)
                throw new GrpcException(new GrpcStatus(GrpcCode.FailedPrecondition, $"conclave: the rollout of release {request.Release} has ended: it is {recorded.State}"));
            string author = who.User ?? request.Author;
            if (Steered(now, active, request, author) is not { } txn) return new V1.SteerRolloutResponse { Rollout = MessageOf(now, recorded) };
            if (!await TryWriteAsync(call, txn, who).ConfigureAwait(false)) continue;   // it moved meanwhile: look at what it is now
            now = await WithRolloutsAsync(call, now.Space).ConfigureAwait(false);
            return new V1.SteerRolloutResponse { Rollout = MessageOf(now, Recorded(now.Space, request.Release)) };
        }

        throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, $"conclave: the rollout of release {request.Release} moved {AttemptsMax} times meanwhile; try again"));
    }

    /// <returns>Null when it is so already.</returns>
    private TxnRequest? Steered(SpaceSnapshot now, ActiveRollout active, V1.SteerRolloutRequest request, string author)
    {
        RolloutStep? step = RolloutSteering.Of(now, active, request.Action, request.Reason, author, _observers.Of(now.Space), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), out string problem);
        return problem.Length == 0 ? step?.Entry : throw new GrpcException(new GrpcStatus(GrpcCode.FailedPrecondition, $"conclave: release {active.Rollout.Release} cannot be taken back: {problem}"));
    }

    /// <summary>The space, when this member has taken in all that was written about rollouts so far.</summary>
    private async ValueTask<SpaceSnapshot> WithRolloutsAsync(RpcContext call, string name)
    {
        long written = StoreReads.All(context.View, ConfigKeys.Rollouts(name), keysOnly: true).Select(kv => kv.ModRevision).DefaultIfEmpty().Max();
        long start = Stopwatch.GetTimestamp();
        while (engine.Of(name).FollowedRevision < written)
        {
            if (engine.DamageOf(name) is { } damage) throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage));
            if (Stopwatch.GetElapsedTime(start) > context.Options.RequestTimeout) throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, "conclave: this member has not taken in the newest changes of rollouts yet; ask again"));
            await Task.Delay(TimeSpan.FromMilliseconds(5), call.Cancellation).ConfigureAwait(false);
        }

        return engine.Of(name).Current;
    }

    private V1.Rollout Recorded(string space, long release) => StoreReads.Find(context.View, ConfigKeys.Rollout(space, release)) is { } kv ? V1.RolloutRecord.Parser.ParseFrom(kv.Value).Rollout
        : throw NotFound(string.Create(CultureInfo.InvariantCulture, $"there is no rollout of release {release}; conclave rollout list shows them"));

    private static bool IsActive(SpaceSnapshot now, V1.Rollout rollout) => now.Rollouts.Any(a => a.Rollout.Release == rollout.Release);

    private V1.Rollout MessageOf(SpaceSnapshot now, V1.Rollout recorded) =>
        now.Rollouts.FirstOrDefault(a => a.Rollout.Release == recorded.Release) is { } active ? _observers.Of(now.Space).ShownLately(now, active) : recorded;

    /// <summary>The strategy of a release; null for none.</summary>
    private static Strategy? StrategyOf(V1.Strategy? message) => message is null ? null
        : StrategyMessages.TryRead(message, out Strategy? strategy, out string problem) ? strategy : throw Invalid("the strategy: " + problem);

    /// <summary>Refuses what releases that are on their way do not allow.</summary>
    private static void RefuseForRollouts(IEnumerable<ConfigProblem> problems)
    {
        string text = string.Join('\n', problems.Take(Limits.ProblemsMax).Select(p => $"{p.Code} {p.Message}"));
        if (text.Length > 0) throw new GrpcException(new GrpcStatus(GrpcCode.FailedPrecondition, text));
    }

    /// <summary>The rollout that a release begins; null when it has no strategy.</summary>
    private NewRollout? RolloutOf(SpaceSnapshot now, Plan plan, Strategy? strategy)
    {
        if (strategy is null) return null;
        if (plan.Record!.Change.TouchesNodes)   // only a plan without errors comes here
            throw Invalid($"{ProblemCodes.Rollout} a release with a strategy has entries and schemas, and no nodes, dimensions or weights; publish those apart");
        if (now.Rollouts.Length >= Rollout.ActiveMax)
            throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: there are {Rollout.ActiveMax} rollouts under way, which is the most; wait for one (conclave rollout list)"));
        return RolloutChecks.Begin(now, plan, strategy, States, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }
}
