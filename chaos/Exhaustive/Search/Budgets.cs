namespace Conclave.Exhaustive;

internal enum Budget { Campaigns, Heartbeats, Crashes, Proposals, Reads, Duplicates, Changes, Transfers }

/// <summary>How often each thing that nobody forces has happened, a byte each, so there are no more than eight kinds.</summary>
internal static class Budgets
{
    public static int Used(ulong spent, Budget budget) => (int)(spent >> 8 * (int)budget & 0xFF);

    public static ulong Spend(ulong spent, Budget budget) => spent + (1UL << 8 * (int)budget);
}
