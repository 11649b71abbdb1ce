using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>I8: nothing that speaks of term, vote or log leaves before the disk has it.</summary>
internal static class Releases
{
    public static string? Problem(Message message, Disk disk)
    {
        bool claimsNothing = message is AppendRequest or HeartbeatRequest or CommitNotice or ReadIndexReply;
        if (!claimsNothing && message.Term > disk.HardState.Term) return $"I8: sends {message} while term {disk.HardState.Term} is on its disk";
        return message switch
        {
            AppendReply { Success: true } reply when reply.Match.Value > (ulong)disk.Log.Count =>
                $"I8: acknowledges {reply.Match} with {disk.Log.Count} entries on its disk",
            VoteReply { Granted: true, PreVote: false } reply when disk.HardState.Term == reply.Term && disk.HardState.VotedFor != reply.To =>
                $"I8: votes for {reply.To} in term {reply.Term} with {disk.HardState} on its disk",
            _ => null,
        };
    }
}
