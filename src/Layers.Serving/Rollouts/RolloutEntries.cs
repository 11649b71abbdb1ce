using System.Globalization;
using Conclave.Layers.Rollouts;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>The log entries of rollouts. Each holds only if nobody else has written meanwhile.</summary>
public static class RolloutEntries
{
    /// <summary>Rollouts that are remembered after their end.</summary>
    public const int EndedMax = 256;

    private const int ReasonCharsMax = 1024;

    /// <summary>Adds the record of a new rollout, and what takes its release back, to the entry that publishes the release.</summary>
    public static void Begin(TxnRequest txn, StoreView view, SpaceSnapshot now, NewRollout made)
    {
        Rollout rollout = made.Rollout;
        txn.Success.Add(Put(ConfigKeys.Rollout(now.Space, rollout.Release), RolloutMessages.Record(rollout, now.State.Dimensions).ToByteString()));
        txn.Success.Add(Put(ConfigKeys.Inverse(now.Space, rollout.Release), UnsafeByteOperations.UnsafeWrap(made.InverseBytes)));
        HashSet<string> active = [.. now.Rollouts.Select(a => ConfigKeys.Rollout(now.Space, a.Rollout.Release))];
        string[] ended = [.. StoreReads.All(view, ConfigKeys.Rollouts(now.Space), keysOnly: true).Select(kv => kv.Key.ToStringUtf8()).Where(k => !active.Contains(k))];
        foreach (string old in ended.Take(Math.Max(0, ended.Length - EndedMax))) txn.Success.Add(Delete(old));
    }

    /// <summary>Which nodes are in was checked with the stages as they were seen, and a stage begins without a new head: a change of nodes holds only while they are the same.</summary>
    public static void Guard(TxnRequest txn, SpaceSnapshot now, Change change)
    {
        if (change.TouchesNodes) txn.Compare.AddRange(now.Rollouts.Where(a => !a.Faults.HasFlag(ServingFaults.MoveOverStages)).Select(a => IsStill(now, a)));
    }

    /// <summary>The rollout becomes another one: a stage begins, it is paused, it is done.</summary>
    /// <param name="now">The snapshot that it was seen in.</param>
    /// <param name="active">As it was recorded last.</param>
    /// <param name="next">As it becomes.</param>
    /// <param name="shown">What its nodes had made of it: kept when it ends.</param>
    public static TxnRequest Update(SpaceSnapshot now, ActiveRollout active, Rollout next, V1.Rollout shown)
    {
        string key = ConfigKeys.Rollout(now.Space, active.Rollout.Release);
        V1.RolloutRecord record = RolloutMessages.Record(next with { Reason = Shortened(next.Reason) }, now.State.Dimensions);
        var txn = new TxnRequest();
        if (!active.Faults.HasFlag(ServingFaults.OverwriteRollout)) txn.Compare.Add(IsStill(now, active));
        if (!next.IsActive)
        {
            record.Rollout.Progress.AddRange(shown.Progress);
            record.Rollout.Failed.AddRange(shown.Failed);
            txn.Success.Add(Delete(ConfigKeys.Inverse(now.Space, next.Release)));
        }

        txn.Success.Add(Put(key, record.ToByteString()));
        return txn;
    }

    /// <summary>The same with what it is for.</summary>
    internal static RolloutStep Step(SpaceSnapshot now, ActiveRollout active, Rollout next, V1.Rollout shown, RolloutMove move = RolloutMove.Nothing, string reason = "") =>
        new(Update(now, active, next, shown), next, move, reason);

    /// <summary>The release is taken back by another one, in the entry that says so.</summary>
    /// <param name="now">The snapshot that it was seen in.</param>
    /// <param name="active">As it was recorded last.</param>
    /// <param name="phase">Reverted or aborted.</param>
    /// <param name="reason">Why.</param>
    /// <param name="author">Who; empty when nobody did.</param>
    /// <param name="shown">What its nodes had made of it.</param>
    /// <param name="clock">Milliseconds since 1970.</param>
    /// <param name="problem">Why it cannot be taken back.</param>
    /// <returns>Null when it cannot.</returns>
    public static RolloutStep? TakeBack(SpaceSnapshot now, ActiveRollout active, RolloutPhase phase, string reason, string author, V1.Rollout shown, long clock, out string problem)
    {
        (problem, reason) = ("", Shortened(reason));
        long release = now.Release + 1;
        var note = new ReleaseNote
        {
            Author = author.Length > 0 ? author : "rollout",
            TimeUnixMs = Math.Max(clock, now.State.Notes.TryGetValue(now.Release, out ReleaseNote? last) ? last.TimeUnixMs : 0),
            Reason = string.Create(CultureInfo.InvariantCulture, $"takes r{active.Rollout.Release} back: {reason}"),
            Reverts = active.Rollout.Release,
            AllowShrink = true,   // nodes that took the release have to let go of what it added
        };
        Plan plan = now.Fleet.Plan(new Change(now.Release, active.Faults.HasFlag(ServingFaults.TakeBackHalf) ? active.Inverse[..((active.Inverse.Length + 1) / 2)] : active.Inverse), note, now.Inputs);
        if (plan.Record is not { } record)
        {
            problem = string.Join('\n', plan.Problems.Where(p => p.IsError).Select(p => $"{p.Code} {p.Message}"));
            return null;
        }

        Rollout next = active.Rollout.TakenBack(phase, reason, release);
        TxnRequest txn = Update(now, active, next, shown);
        txn.Compare.Add(new Compare { Key = Text(ConfigKeys.Head(now.Space)), Target = Compare.Types.CompareTarget.Value, Result = Compare.Types.CompareResult.Equal, Value = Text(ConfigKeys.Text(now.Release)) });
        txn.Success.Add(Put(ConfigKeys.Release(now.Space, release), UnsafeByteOperations.UnsafeWrap(record.ToBytes())));
        txn.Success.Add(Put(ConfigKeys.Head(now.Space), Text(ConfigKeys.Text(release))));
        return new RolloutStep(txn, next, Reason: reason);
    }

    private static Compare IsStill(SpaceSnapshot now, ActiveRollout active) =>
        new() { Key = Text(ConfigKeys.Rollout(now.Space, active.Rollout.Release)), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = active.Revision };

    private static string Shortened(string reason) => reason.Length <= ReasonCharsMax ? reason : reason[..ReasonCharsMax];

    private static RequestOp Put(string key, ByteString value) => new() { RequestPut = new PutRequest { Key = Text(key), Value = value } };

    private static RequestOp Delete(string key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = Text(key) } };

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}

/// <summary>A rollout that is about to begin.</summary>
/// <param name="Rollout">With its first stage.</param>
/// <param name="InverseBytes">A change record of the edits that take its release back.</param>
public sealed record NewRollout(Rollout Rollout, byte[] InverseBytes);
