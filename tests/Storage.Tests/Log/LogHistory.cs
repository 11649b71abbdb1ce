using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>A random sequence of things that are done to a log. Small integers, so that a failing history shrinks.</summary>
/// <param name="steps">Each picks what is done and how large; any value is allowed, since it is read against the state of the log.</param>
internal sealed class LogHistory(params (byte Kind, byte Size)[] steps)
{
    private int _at;

    internal bool IsDone => _at == steps.Length;

    /// <summary>Does what is left to do.</summary>
    internal void Run(LogSession session)
    {
        while (!IsDone)
            Step(session);
    }

    private void Step(LogSession session)
    {
        (byte kind, byte size) = steps[_at++];
        LogState state = session.Acknowledged;
        switch (kind % 10)
        {
            case 0 or 1:
                session.Persist(session.Op(null, null, [size], fill: (byte)(size / 2)));
                break;
            case 2: // fills segments quickly; every other one with zeros
                session.Persist(session.Op(null, null, [size * 10, size, size * 20], fill: (byte)(size % 2 * 3)));
                break;
            case 3: // several operations in one sync
                PersistOp first = session.Op(null, null, [size, size / 2], fill: 9);
                PersistOp second = session.Op(Later(state, size), null, [3, 0], state.After(first));
                session.Persist(first, second, session.Op(null, null, [], state.After(first).After(second)));
                break;
            case 4:
                session.Persist(session.Op(Later(state, size), null, []));
                break;
            case 5 when state.Entries.Count > 0: // a conflict with a new leader
                session.Persist(session.Op(Later(state, size), state.Entries[size % state.Entries.Count].Index, size % 3 == 0 ? [] : [size * 3], fill: 5));
                break;
            case 6 or 7 when state.Entries.Count > 0:
                session.CompactTo(state.Entries[size % state.Entries.Count].Id);
                break;
            case 8:
                HardState later = Later(state, size);
                session.ResetTo(new EntryId(state.Last.Index + 1 + size, later.Term), later);
                break;
            case 9 when size % 2 == 0:
                session.Reopen();
                break;
            default:
                session.Log.Prepare();
                break;
        }
    }

    private static HardState Later(LogState state, byte size) => new(new Term(state.HardState.Term.Value + 1 + size % 3u), new NodeId(7 + size % 3u));
}
