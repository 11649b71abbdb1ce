using Conclave.Node.Auth;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Node.Options;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>What every service needs: the replica behind it and the rules that hold for all calls.</summary>
internal sealed class ServiceContext(Replica replica, NodeOptions options, ClusterIdentity cluster, AuthGate auth)
{
    private const int IdentifiedAttemptsMax = 4;

    public Replica Replica => replica;

    public NodeOptions Options => options;

    public ClusterIdentity Cluster => cluster;

    /// <summary>Who calls, and whether they may.</summary>
    public AuthGate Auth => auth;

    public ResponseWriter Responses { get; } = new(cluster.ClusterId, cluster.Self.Value, () => replica.Status.Term);

    public StoreView View => replica.View;

    /// <summary>The checks that come before everything else.</summary>
    /// <exception cref="GrpcException">This member was removed; or the caller wants a leader, and this member knows none; or this member is a learner, and learners do not serve this.</exception>
    public void CheckLeader(RpcContext call)
    {
        if (replica.IsSelfRemoved) throw new GrpcException(EtcdErrors.Stopped);
        if (replica.IsQuarantined && !IsServedInQuarantine(call.Method.Path)) throw new GrpcException(ConclaveErrors.Quarantined);
        if (replica.IsLearner && !IsServedByLearner(call.Method.Path)) throw new GrpcException(EtcdErrors.NotSupportedForLearner);
        if (replica.Status.Leader == NodeId.None && call.RequiresLeader) throw new GrpcException(EtcdErrors.NoLeader);
    }

    /// <summary>Whether an alarm says anything about this member. One that the majority found to be wrong is ill alone.</summary>
    public bool Concerns(ActiveAlarm alarm) => alarm.Alarm != AlarmKind.Corrupt || alarm.MemberId == replica.Self.Value
        || View.Marks.VerdictOn(alarm.MemberId) != MemberVerdict.Differs;

    /// <summary>
    /// What adds data is refused: by an alarm, or because this member's own disk has just become full. What its log can still take is for deletions,
    /// compaction and the alarm, which takes a moment to reach everybody.
    /// </summary>
    public bool IsOutOfSpace => View.HasAlarm(AlarmKind.NoSpace) || replica.IsDiskSpaceLow;

    /// <summary>Begins a call that writes: until it is proposed, its failure is a refusal.</summary>
    /// <returns>The session it belongs to; default for none.</returns>
    /// <exception cref="GrpcException">No leader, as above, or metadata of a session that cannot be read.</exception>
    public SessionSequence BeginWrite(RpcContext call)
    {
        call.Outcome = WriteOutcome.Refused;
        CheckLeader(call);
        return SessionMetadata.Of(call);
    }

    /// <summary>Puts a request through the log and waits until it is applied here.</summary>
    /// <exception cref="GrpcException">Too large, too many at once, refused by the store, or not known to be done in time.</exception>
    public async ValueTask<ApplyOutcome> ProposeAsync(RpcContext call, CommandKind kind, ReadOnlyMemory<byte> body, SessionSequence session = default)
    {
        if (body.Length > options.MaxRequestBytes) throw new GrpcException(EtcdErrors.RequestTooLarge);
        if (replica.IsOverloaded) throw new GrpcException(EtcdErrors.TooManyRequests);
        for (int attempt = 1; ; attempt++)
        {
            CommandIdentity who = auth.IsOn ? await auth.IdentifyAsync(call).ConfigureAwait(false) : default;
            ValueTask<ProposalResult> proposal = replica.Proposals.ProposeAsync(kind, body.Span, session, who);
            call.Outcome = WriteOutcome.Unknown;   // whoever stops waiting cannot know

            // A token is only made for calls with a time limit of their own: making one for every call costs more than a small write does.
            ProposalResult result = call.Timeout is null
                ? await proposal.ConfigureAwait(false)
                : await proposal.AsTask().WaitAsync(call.Cancellation).ConfigureAwait(false);
            if (result.End != ProposalEnd.Unknown) call.Outcome = WriteOutcome.Refused;   // of no account when the store did it: then the call succeeds
            if (attempt < IdentifiedAttemptsMax && result.Outcome.Error is StoreError.UserEmpty or StoreError.AuthRevisionOld && auth.MayDoBetter(call, result.Outcome.Error, who)) continue;
            if (!who.IsNone) auth.Audit.Wrote(call, who, kind, body.Span, result.End == ProposalEnd.Applied ? result.Outcome.Error : null);
            return Statuses.Outcome(result);
        }
    }

    /// <summary>As <see cref="ProposeAsync"/>, but nobody can stop waiting: for who must know what became of it, also when the call has ended meanwhile.</summary>
    public Task<ApplyOutcome> ProposeToEndAsync(RememberedCall call, CommandKind kind, IMessage request) => ProposeAsync(call, kind, request.ToByteArray()).AsTask();

    /// <summary>
    /// As <see cref="ProposeToEndAsync"/>, but on this member's own behalf, whoever may do what: only to take back what a call of a client did,
    /// by a request that can meet nothing else, and to go on with what a client began that was allowed to.
    /// </summary>
    public async Task<ApplyOutcome> TakeBackAsync(CommandKind kind, IMessage request)
    {
        if (replica.IsOverloaded) throw new GrpcException(EtcdErrors.TooManyRequests);
        byte[] body = request.ToByteArray();
        for (int attempt = 1; ; attempt++)
        {
            bool isNamed = auth.IsOn;   // without auth the log has no names
            ProposalResult result = await replica.Proposals.ProposeAsync(kind, body, identity: isNamed ? CommandIdentity.Member : default).ConfigureAwait(false);
            if (attempt < IdentifiedAttemptsMax && !isNamed && result.Outcome.Error == StoreError.UserEmpty) continue;   // auth was switched on meanwhile
            return Statuses.Outcome(result);
        }
    }

    /// <summary>Waits until a read of <see cref="View"/> is linearizable.</summary>
    /// <exception cref="GrpcException">Nobody confirmed it in time.</exception>
    public async ValueTask ConfirmReadAsync(RpcContext call)
    {
        if (replica.IsLearner) throw new GrpcException(EtcdErrors.NotSupportedForLearner);
        Task<bool> confirmed = replica.Reads.WaitAsync();
        bool ok = call.Timeout is null ? await confirmed.ConfigureAwait(false) : await confirmed.WaitAsync(call.Cancellation).ConfigureAwait(false);
        if (!ok) throw new GrpcException(EtcdErrors.Timeout);
    }

    /// <summary>What people need to see what is the matter, and to overrule it.</summary>
    private static bool IsServedInQuarantine(string path) =>
        path is "/etcdserverpb.Maintenance/Status" or "/etcdserverpb.Maintenance/Alarm" or "/etcdserverpb.Maintenance/HashKV" or "/etcdserverpb.Cluster/MemberList";

    /// <summary>What a learner answers from its own state: its status, its content, and reads that need not be linearizable (those that must are refused later).</summary>
    private static bool IsServedByLearner(string path) =>
        path is "/etcdserverpb.KV/Range" or "/etcdserverpb.Maintenance/Status" or "/etcdserverpb.Maintenance/Snapshot";
}
