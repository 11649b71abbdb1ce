namespace Conclave.Linearizability;

/// <summary>Decides whether a history of registers is linearizable (Wing and Gong's search, with Lowe's memory of visited states).</summary>
/// <remarks>
/// Registers are independent, so each is checked alone: a history is linearizable exactly when its parts are (Herlihy and Wing).
/// A set of operations that are done, together with the value they left, is never visited twice; sets are remembered by 128-bit hashes.
/// </remarks>
public static class RegisterChecker
{
    /// <summary>Default bound of the search, per register.</summary>
    public const long StatesMaxDefault = 5_000_000;

    /// <param name="history">All operations, in any order.</param>
    /// <param name="statesMax">When to give up on one register.</param>
    /// <param name="initial">Values that were there before the history began; absent for all others.</param>
    /// <exception cref="ArgumentException">An operation returns before it is called.</exception>
    public static Verdict Check(IEnumerable<Operation> history, long statesMax = StatesMaxDefault, IReadOnlyDictionary<string, string>? initial = null)
    {
        long explored = 0;
        Verdict? undecided = null;
        foreach (IGrouping<string, Operation> register in history.GroupBy(operation => operation.Key).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var search = new RegisterSearch([.. register], initial?.GetValueOrDefault(register.Key));
            VerdictKind kind = search.Run(statesMax);
            explored += search.StatesExplored;
            if (kind == VerdictKind.NotLinearizable)
                return new Verdict(kind, register.Key, search.Explain(), explored);
            if (kind == VerdictKind.Undecided)
                undecided ??= new Verdict(kind, register.Key, $"Gave up after {search.StatesExplored} states.\n{search.Explain()}", explored);
        }
        return undecided is null ? new Verdict(VerdictKind.Linearizable, null, "", explored) : undecided with { StatesExplored = explored };
    }
}
