using System.Buffers.Binary;
using Conclave.Store.Auth;
using Conclave.Store.Marks;
using Conclave.Store.Protobuf;
using Conclave.Store.Requests;
using Conclave.Store.Sessions;

namespace Conclave.Store.Writing;

/// <summary>Applies commands to the state, one at a time.</summary>
internal sealed class CommandApplier(StoreState state)
{
    private const byte PreviousTag = 2 << 3 | 2, LeaseIdTag = 2 << 3, LeaseTtlTag = 3 << 3;

    private readonly ResponseBuffer _response = new();
    private readonly ResponseBound _bound = new(state);
    private readonly TxnRun _txn = new(state);
    private readonly List<byte[]> _deleted = [];

    public ApplyOutcome Apply(in Command command, bool wantResponse)
    {
        StoreError denied = state.Auth.IsEnabled ? CommandPermission.Check(state, command) : StoreError.None;
        if (!command.Session.IsNone)
            return ApplyInSession(command, denied);
        return denied == StoreError.None ? Apply(command, wantResponse, bound: null) : Refused(denied);
    }

    /// <summary>Applies a command whose sequence is new; gives the kept answer to a repeat.</summary>
    private ApplyOutcome ApplyInSession(in Command command, StoreError denied)
    {
        // Not kept as an answer: the same command may come again with a name that holds, and a late copy of this one is refused again.
        if (denied is StoreError.UserEmpty or StoreError.AuthRevisionOld)
            return Refused(denied);
        (long id, ulong sequence) = command.Session;
        if (!state.Leases.Contains(id))
            return Refused(StoreError.LeaseNotFound);
        SessionAnswer? last = state.Sessions.Find(id);
        ulong reached = last?.Sequence ?? 0;
        if (state.Auth.IsEnabled && last is not null && !MayUse(last, command))
            return Refused(StoreError.PermissionDenied);
        if (sequence <= reached && !state.Faults.HasFlag(StoreFaults.ApplyRepeats))
            return last is not null && sequence == reached ? Repeat(last) : Refused(StoreError.SequenceTooOld);

        // The answer is made on every member, whether or not somebody waits there: any of them may have to repeat it.
        bool isWrite = command.Kind is CommandKind.Put or CommandKind.DeleteRange or CommandKind.Txn;
        ApplyOutcome outcome = denied != StoreError.None ? Refused(denied)
            : isWrite ? Apply(command, wantResponse: true, _bound)
            : Refused(StoreError.Malformed);
        // Before there is any user no command has one. One that says so all the same must not make a state that is saved as another.
        string? user = state.Auth.IsInitial ? null : command.Identity.User;
        state.Sessions.Keep(new SessionAnswer(id, sequence, outcome.Error, outcome.Revision, outcome.Body.ToArray(), user));
        return outcome;
    }

    // The kept answer is for whoever asked, and a number that is used up is lost for the others. A session from before auth goes on as the first user's.
    private static bool MayUse(SessionAnswer last, in Command command) =>
        last.User is { } owner ? owner == command.Identity.User : command.Session.Sequence > last.Sequence;

    private static ApplyOutcome Repeat(SessionAnswer answer) => new() { Error = answer.Error, Revision = answer.Revision, Body = answer.Body };

    private ApplyOutcome Refused(StoreError error) => new() { Error = error, Revision = state.Revision };

    /// <param name="command">The command.</param>
    /// <param name="wantResponse">Make the answer.</param>
    /// <param name="bound">What must find the answer small enough; null for any size.</param>
    private ApplyOutcome Apply(in Command command, bool wantResponse, ResponseBound? bound)
    {
        ReadOnlySpan<byte> body = command.Body.Span;
        ResponseBuffer? response = wantResponse ? _response : null;
        _response.Clear();
        LeaseState lease = default;
        long revoked = 0;
        StoreError error = command.Kind switch
        {
            CommandKind.Alarm => Alarm(body),
            CommandKind.MemberAttributes => MemberAttributes(body),
            CommandKind.StateMark => MarkRules.Mark(state, body),
            CommandKind.StateReport => MarkRules.Report(state, body),
            _ when AuthRules.Owns(command.Kind) => AuthRules.Apply(state, command.Kind, body),
            // What a corrupt cluster is asked to write is refused; what it knows can still be read.
            _ when MarkRules.RefusesWrites(state) => StoreError.Corrupt,
            CommandKind.Put => Put(body, response, bound),
            CommandKind.DeleteRange => DeleteRange(body, response, bound),
            CommandKind.Txn => _txn.Run(body, NoSpace, response, bound),
            CommandKind.ServerTxn => _txn.Run(body, NoSpace, response, bound, isServers: true),
            CommandKind.Compact => Compact(body),
            CommandKind.LeaseGrant => LeaseGrant(body, out lease),
            CommandKind.LeaseRevoke => LeaseRevoke(body, out revoked),
            _ => StoreError.Malformed,
        };
        state.EndRevision();
        return new ApplyOutcome
        {
            Error = error,
            Revision = state.Revision,
            Body = error == StoreError.None && wantResponse && _response.Length > 0 ? _response.Written.ToArray() : default,
            LeaseId = error == StoreError.None ? lease.Id | revoked : 0,   // one of them is 0
            LeaseTtlSeconds = error == StoreError.None ? lease.TtlSeconds : 0,
            LeaseIncarnation = error == StoreError.None ? lease.Incarnation : 0,
        };
    }

    private bool NoSpace => AlarmSet.Has(state.Alarms, AlarmKind.NoSpace);

    private StoreError Put(ReadOnlySpan<byte> body, ResponseBuffer? response, ResponseBound? bound)
    {
        if (!PutRequest.TryParse(body, out PutRequest put))
            return StoreError.Malformed;
        StoreError error = put.Check();
        if (error != StoreError.None)
            return error;
        if (ReservedKeys.IsWrittenBy(put))
            return StoreError.Reserved;
        if (NoSpace)
            return StoreError.NoSpace;
        if (!state.MayAttach(put.Lease))
            return StoreError.LeaseNotFound;
        if (bound?.Fits(put) == false)
            return StoreError.ResponseTooLarge;
        OperationTally done = default;
        bool found = state.TryPut(put, out byte[]? previous);
        if (found)
            done.Put(put, previous);
        else
            done.Ranges++;   // it looked
        state.Counts.Applied(state.AppliedIndex, done);
        if (!found)
            return StoreError.KeyNotFound;
        if (put.PreviousWanted && previous is not null)
            response?.WriteBytes(PreviousTag, previous);
        return StoreError.None;
    }

    private StoreError DeleteRange(ReadOnlySpan<byte> body, ResponseBuffer? response, ResponseBound? bound)
    {
        if (!DeleteRangeRequest.TryParse(body, out DeleteRangeRequest delete))
            return StoreError.Malformed;
        StoreError error = delete.Check();
        if (error != StoreError.None)
            return error;
        if (ReservedKeys.AreDeletedBy(delete, state))
            return StoreError.Reserved;
        if (bound?.Fits(delete) == false)
            return StoreError.ResponseTooLarge;
        state.Delete(new KeyRange(delete.Key, delete.RangeEnd), _deleted);
        OperationTally done = default;
        done.Delete(delete.PreviousWanted);
        state.Counts.Applied(state.AppliedIndex, done);
        if (response is not null)
            TxnRun.WriteDeleted(delete.PreviousWanted, _deleted, response);
        _deleted.Clear();
        return StoreError.None;
    }

    private StoreError Compact(ReadOnlySpan<byte> body)
    {
        if (!CompactionRequest.TryParse(body, out CompactionRequest compaction))
            return StoreError.Malformed;
        if (compaction.Revision <= state.CompactRevision)
            return StoreError.Compacted;
        if (compaction.Revision > state.Revision)
            return StoreError.FutureRevision;
        state.CompactRevision = compaction.Revision;
        return StoreError.None;
    }

    private StoreError LeaseGrant(ReadOnlySpan<byte> body, out LeaseState lease)
    {
        lease = default;
        if (!LeaseGrantRequest.TryParse(body, out LeaseGrantRequest grant))
            return StoreError.Malformed;
        if (NoSpace)
            return StoreError.NoSpace;
        if (grant.Id == 0)
            return StoreError.LeaseNotFound;
        if (grant.TtlSeconds > LeaseGrantRequest.TtlSecondsMax)
            return StoreError.LeaseTtlTooLarge;
        if (state.Leases.Contains(grant.Id))
            return StoreError.LeaseExists;
        lease = new LeaseState(grant.Id, grant.TtlSeconds, grant.Incarnation);
        state.Leases.Grant(lease);
        _response.WriteLong(LeaseIdTag, grant.Id);
        _response.WriteLong(LeaseTtlTag, grant.TtlSeconds);
        return StoreError.None;
    }

    private StoreError LeaseRevoke(ReadOnlySpan<byte> body, out long id)
    {
        id = 0;
        if (!LeaseRevokeRequest.TryParse(body, out LeaseRevokeRequest revoke))
            return StoreError.Malformed;
        // The one that expired may have been revoked and granted anew while this was on its way: that one's time is not over.
        if (!state.Leases.TryGet(revoke.Id, out LeaseState lease) || (revoke.Incarnation != 0 && revoke.Incarnation != lease.Incarnation))
            return StoreError.LeaseNotFound;
        id = revoke.Id;
        int keys = state.Revoke(revoke.Id);
        state.Counts.Applied(state.AppliedIndex, new OperationTally { Deletes = keys });
        return StoreError.None;
    }

    private StoreError Alarm(ReadOnlySpan<byte> body)
    {
        if (!AlarmRequest.TryParse(body, out AlarmRequest alarm))
            return StoreError.Malformed;
        state.Alarms = AlarmSet.Apply(state.Alarms, alarm, _response);
        if (alarm.Action == AlarmAction.Deactivate && alarm.Alarm == (int)AlarmKind.Corrupt)
            MarkRules.Disarmed(state, alarm.MemberId);
        return StoreError.None;
    }

    private StoreError MemberAttributes(ReadOnlySpan<byte> body)
    {
        if (body.Length < sizeof(ulong))
            return StoreError.Malformed;
        ulong member = BinaryPrimitives.ReadUInt64LittleEndian(body);
        byte[] attributes = body[sizeof(ulong)..].ToArray();
        state.Attributes = attributes.Length == 0 ? state.Attributes.Remove(member) : state.Attributes.SetItem(member, attributes);
        return StoreError.None;
    }
}
