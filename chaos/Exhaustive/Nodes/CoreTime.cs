using System.Runtime.CompilerServices;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>Takes time and chance out of a core.</summary>
/// <remarks>
/// Nodes here are asynchronous: any amount of time may pass at one of them while none passes at the others. So how long each has waited says
/// nothing, except for two things: whether a follower still hears its leader, and whether a leader heard of a member within an election timeout. After every input the timers are set to one of two readings,
/// which also undoes whatever was drawn at random. The fields are the core's own; one that is renamed there fails here at once.
/// </remarks>
internal static class CoreTime
{
    public const int ElectionTimeoutTicks = 5, HeartbeatTicks = 1;

    /// <summary>The longest timeout that the core may draw, so that an election timeout can pass without a campaign.</summary>
    private const int DrawnTimeoutTicks = 2 * ElectionTimeoutTicks - 1;

    public static void Normalize(RaftCore core)
    {
        bool follows = core.Role != RaftRole.Leader && core.Leader != NodeId.None;
        ElectionElapsed(core) = follows && ElectionElapsed(core) >= ElectionTimeoutTicks ? ElectionTimeoutTicks : 0;
        ElectionTimeout(core) = DrawnTimeoutTicks;
        HeartbeatElapsed(core) = 0;
        FastCampaignIn(core) = 0;
        CampaignAttempts(core) = 0;
        TransferElapsed(core) = 0;
        foreach (Progress peer in Roster(core).Peers)
        {
            bool heard = peer.HeardTick is { } tick && Now(core) - tick <= ElectionTimeoutTicks;
            peer.HeardTick = heard ? Now(core) : null;
        }
    }

    /// <summary>Numbers that are drawn at a start, and must not repeat those of earlier starts: here they follow from the number of the start.</summary>
    public static void NumberStart(RaftCore core, int starts) => Round(core) = ReadRequest(core) = (ulong)starts << 16;

    public static bool InDoubt(RaftCore core) => ElectionElapsed(core) >= ElectionTimeoutTicks;

    public static ulong RoundOf(RaftCore core) => Round(core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_electionElapsed")]
    private static extern ref int ElectionElapsed(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_electionTimeout")]
    private static extern ref int ElectionTimeout(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_heartbeatElapsed")]
    private static extern ref int HeartbeatElapsed(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_fastCampaignIn")]
    private static extern ref int FastCampaignIn(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_campaignAttempts")]
    private static extern ref int CampaignAttempts(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_transferElapsed")]
    private static extern ref int TransferElapsed(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_now")]
    private static extern ref long Now(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_roster")]
    private static extern ref Roster Roster(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_round")]
    private static extern ref ulong Round(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_readRequestId")]
    private static extern ref ulong ReadRequest(RaftCore core);
}
