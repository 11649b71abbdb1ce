namespace Conclave.Raft;

/// <summary>Decides who may talk. Pure; the transport of a node and the simulator ask it before they let a single message pass.</summary>
/// <remarks>
/// A quorum is only worth something if each of its members remembers what it promised. A member that lost its directory, came back with an older one,
/// or runs twice could vote twice in a term, or elect a leader that lacks acknowledged entries: it may not say a word.
/// Both ends of a connection judge each other, and <see cref="Remember"/> is durable before the other side hears "welcome".
/// </remarks>
public static class MemberAdmission
{
    /// <param name="standing">What the membership says.</param>
    /// <param name="remembered">From earlier connections; null when this is the first.</param>
    /// <param name="acknowledged">Position that the replicated marks record for the member, or zero. Such entries are committed, so no member loses them in order.</param>
    /// <param name="shown">What the member shows now.</param>
    /// <param name="liveNonce">
    /// <see cref="MemberCredentials.BootNonce"/> of an older connection of that member which was heard within the last election timeout; null when there is none.
    /// </param>
    public static AdmissionVerdict Judge(MemberStanding standing, RememberedMember? remembered, LogIndex acknowledged, in MemberCredentials shown, Guid? liveNonce) =>
        new(Reason(standing, remembered, acknowledged, shown, liveNonce), shown, remembered, acknowledged);

    /// <summary>What must be durable before an accepted member may talk.</summary>
    public static RememberedMember Remember(RememberedMember? remembered, LogIndex acknowledged, in MemberCredentials shown)
    {
        // Before this node has applied its log, the record is empty; that does not mean that the member has caught up.
        bool hasCaughtUp = acknowledged > LogIndex.Zero && shown.Durable >= acknowledged;
        return new RememberedMember(shown.Incarnation, shown.Boot, shown.BootNonce, LogReverted: false, Vouched: remembered is { Vouched: true } && !hasCaughtUp, KeepsStarts: !shown.Starts.IsDefault);
    }

    private static AdmissionReason Reason(MemberStanding standing, RememberedMember? remembered, LogIndex acknowledged, in MemberCredentials shown, Guid? liveNonce)
    {
        if (standing == MemberStanding.Removed) return AdmissionReason.Removed;
        if (standing == MemberStanding.Unknown) return AdmissionReason.Unknown;
        if (remembered is { } known && known.Incarnation != Guid.Empty)
        {
            if (shown.Incarnation != known.Incarnation) return AdmissionReason.OtherDirectory;
            if (!Follows(known, shown)) return AdmissionReason.OlderDirectory;
            if (known.LogReverted && shown.LostEnd == EntryId.Zero) return AdmissionReason.OlderDirectory;
        }

        // A member that knows of its loss votes with care until it has caught up; one that does not is a danger.
        if (remembered is not { Vouched: true } && shown.Durable < acknowledged && shown.LostEnd.Index < acknowledged) return AdmissionReason.OlderDirectory;
        return liveNonce is { } live && live != shown.BootNonce ? AdmissionReason.SecondProcess : AdmissionReason.None;
    }

    /// <summary>Whether the start that shows itself is the one that is remembered, or came after it in the same directory.</summary>
    internal static bool Follows(in RememberedMember known, in MemberCredentials shown)
    {
        // Every start raises the number durably before it says anything: the same number again is another start from the same state.
        if (shown.Boot <= known.Boot) return shown.Boot == known.Boot && shown.BootNonce == known.BootNonce;
        // A copy that is started again and again gets past any number. It cannot show the start that the original made after the copy was taken.
        if (!shown.Starts.IsDefault)
        {
            foreach (MemberStart start in shown.Starts)
                if (start.Boot == known.Boot) return start.Nonce == known.BootNonce;
        }

        return !known.KeepsStarts;   // an earlier release kept none, so nothing can be missing
    }
}
