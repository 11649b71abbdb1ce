namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private LogIndex _verified; // equal to the log of this term's leader up to here, as its appends to this process proved

    private void OnAppendRequest(AppendRequest request)
    {
        HeardLeader();
        // The log is about to be replaced: what it says now does not matter, and the leader asks again.
        if (_installing is not null) return;

        ReadOnlySpan<Entry> entries = request.Entries.Span;
        EntryId previous = request.Previous;
        if (previous.Index < Commit)
        {
            // Committed entries equal the leader's, so those need no look, also when they are compacted away here.
            int known = (int)Math.Min(Commit - previous.Index, entries.Length);
            if (known == entries.Length)
            {
                Acknowledge(request, request.LastIndex);
                return;
            }
            entries = entries[known..];
            previous = _log.IdAt(Commit);
        }
        else if (!_log.Contains(previous))
        {
            Refuse(request);
            return;
        }

        if (!MergeEntries(previous.Index, entries)) return;
        // The end of this message is as far as the two logs were compared. This log may be longer, with entries that the leader does not have:
        // acknowledging or committing those would be a lie.
        LogIndex verified = HasFault(CoreFaults.AckBeyondMessage) ? _log.Last.Index : request.LastIndex;
        _verified = LogIndex.Max(_verified, verified);
        CommitVerified(request.Commit, HasFault(CoreFaults.CommitBeyondVerified) ? _log.Last.Index : verified);
        Acknowledge(request, verified);
    }

    /// <summary>Adds what is missing after <paramref name="previous"/>, and cuts only where an entry of another term proves that the rest is wrong.</summary>
    /// <returns>False when an entry makes no sense to this version. It and what follows are left out, and nothing is acknowledged.</returns>
    private bool MergeEntries(LogIndex previous, ReadOnlySpan<Entry> entries)
    {
        if (HasFault(CoreFaults.TruncateWithoutConflict) && _log.Last.Index > previous && previous >= Commit) TruncateLog(previous.Next);
        int at = 0;
        // A message may be old and end before what a later one brought, so reaching the end of it proves nothing about what follows.
        while (at < entries.Length && _log.TryTermAt(entries[at].Index, out Term own) && own == entries[at].Term) at++;
        if (at == entries.Length) return true;
        if (entries[at].Index <= _log.Last.Index) TruncateLog(entries[at].Index);
        for (; at < entries.Length; at++)
        {
            ref readonly Entry entry = ref entries[at];
            if (entry.Kind != EntryKind.Membership)
            {
                _log.Append(entry);
                continue;
            }
            if (!TryReadMembership(entry, out Membership? membership)) return false;
            _log.Append(entry);
            PushConfig(entry.Index, membership);
        }
        return true;
    }

    private void CommitVerified(LogIndex leaderCommit, LogIndex verified)
    {
        LogIndex index = LogIndex.Min(leaderCommit, verified);
        if (index > Commit) CommitTo(index);
    }

    private void Acknowledge(AppendRequest request, LogIndex match)
    {
        var reply = new AppendReply { From = Self, To = request.From, Term = Term, Sequence = request.Sequence, Success = true, Match = match };
        if (HasFault(CoreFaults.AckBeforeSync)) Send(reply);
        else ReplyMatch(reply);
    }

    private void Refuse(AppendRequest request)
    {
        LogIndex end = LogIndex.Min(request.Previous.Index, _log.Last.Index);
        if (!_log.TryLastNotAbove(end, request.Previous.Term, out EntryId hint)) hint = _log.Base;
        Reply(new AppendReply
        {
            From = Self,
            To = request.From,
            Term = Term,
            Sequence = request.Sequence,
            Success = false,
            Match = LogIndex.Zero,
            Hint = hint,
        });
    }

    private void OnCommitNotice(CommitNotice notice)
    {
        HeardLeader();
        if (_installing is null && _log.Contains(notice.Verified)) CommitVerified(notice.Commit, notice.Verified.Index);
    }

    private void OnHeartbeatRequest(HeartbeatRequest request)
    {
        HeardLeader();
        // The leader says what this node acknowledged, perhaps in an earlier run. A log that was cut behind a damage may lack it, or hold something
        // older in its place, so only what was compared in this run is committed on a number alone. For the rest the leader is asked to prove it.
        LogIndex verified = HasFault(CoreFaults.HeartbeatWithCommit) ? _log.Last.Index : LogIndex.Max(_verified, Commit);
        if (_installing is null) CommitVerified(request.Commit, verified);
        bool unproven = _installing is null && request.Commit > verified;
        Reply(new HeartbeatReply
        {
            From = Self,
            To = request.From,
            Term = Term,
            ReadEpoch = request.ReadEpoch,
            Unproven = unproven,
            Recovering = IsRecovering,
        });
    }
}
