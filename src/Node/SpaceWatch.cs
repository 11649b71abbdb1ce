using Conclave.Node.Consensus;
using Conclave.Node.Services;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node;

/// <summary>Raises the NOSPACE alarm for this member, and clears what it raised for a full disk. Thread safe.</summary>
/// <remarks>
/// A quota that was passed needs an operator, as in etcd, who compacts and disarms. A full disk does not: when there is room again the alarm that
/// this member raised for it goes by itself, also when the member was restarted in between, which is what people do after making room. Alarms that somebody else raised in this
/// member's name stay.
/// </remarks>
internal sealed class SpaceWatch(ServiceContext context, QuotaMark mark, ILogger logger) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();

    /// <summary>What the log held when this process began; what an earlier one raised is applied with it, or comes in the place of it.</summary>
    private readonly ulong _lastAtStart = context.Replica.Status.LastIndex;

    // Under _gate.
    private bool _raisedForDisk, _isSettled;
    private Task _proposal = Task.CompletedTask;

    /// <summary>Looks soon, on another thread: the log writer has found the disk full, or room on it.</summary>
    public void LookSoon() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Compares the alarm with the disk and the quota. Called now and then as well, until what was proposed is applied.</summary>
    public void Look()
    {
        lock (_gate)
        {
            // On a member whose log waits for space nothing is applied, perhaps for long: one proposal at a time.
            if (!_proposal.IsCompleted) return;
            Replica replica = context.Replica;
            ConsensusStatus status = replica.Status;   // before the view
            StoreView view = replica.View;
            bool overQuota = replica.IsOverQuota(0), diskFull = replica.IsDiskSpaceLow;
            bool raised = view.Alarms.Any(a => a.Alarm == AlarmKind.NoSpace && a.MemberId == context.Cluster.Self.Value);
            if (!_isSettled)
            {
                _raisedForDisk |= raised && !mark.IsThere;
                _isSettled = status.Leader != NodeId.None && view.AppliedIndex >= Math.Max(status.Commit, _lastAtStart);
            }

            if (!raised && (overQuota || diskFull))
            {
                if (overQuota) Log.QuotaExceeded(logger, view.SizeBytes, context.Options.QuotaBytes);
                else Log.DiskFull(logger, Path.GetFullPath(context.Options.DataDir));
                _raisedForDisk = !overQuota;
                MarkUnderLock(overQuota);
                ProposeUnderLock(replica, activate: true);
            }
            else if (raised && _raisedForDisk && overQuota)
            {
                // It stands for both now, so room on the disk alone does not clear it.
                _raisedForDisk = false;
                MarkUnderLock(true);
            }
            else if (raised && _raisedForDisk && !diskFull && !replica.IsDiskSpaceUnknown)
            {
                Log.DiskHasRoom(logger, Path.GetFullPath(context.Options.DataDir));
                ProposeUnderLock(replica, activate: false);
            }
            else if (!raised && _isSettled)
            {
                MarkUnderLock(false);
            }
        }
    }

    void IThreadPoolWorkItem.Execute() => Look();

    private void MarkUnderLock(bool overQuota)
    {
        try
        {
            mark.Set(overQuota);
        }
        catch (FileSystemException failure)
        {
            // All that hangs on it is who clears the alarm after a restart.
            Log.QuotaNotMarked(logger, failure.Message);
        }
    }

    /// <summary>Nobody waits for it: the next look is at the state, not at the answer.</summary>
    private void ProposeUnderLock(Replica replica, bool activate) =>
        _proposal = replica.Proposals.ProposeAsync(CommandKind.Alarm, CommandBody.Alarm(activate, context.Cluster.Self.Value, AlarmKind.NoSpace),
            identity: context.View.Auth.IsEnabled ? CommandIdentity.Member : default).AsTask();
}
