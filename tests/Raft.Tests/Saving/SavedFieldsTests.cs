using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

/// <summary>A field that is forgotten in Save makes a replay go another way without saying why. So a new one fails here until it is saved, or is named with a reason.</summary>
public class SavedFieldsTests(ITestOutputHelper output)
{
    private static readonly SortedDictionary<string, string> NotSaved = new(StringComparer.Ordinal)
    {
        ["RaftCore._options"] = "told again when the core is loaded",
        ["RaftCore._faults"] = "told again when the core is loaded",
        ["RaftCore.RarePaths"] = "told again when the core is loaded",
        ["RaftCore._output"] = "the driver's; each call names it anew",
        ["RaftCore._expiredReads"] = "empty between two calls",
        ["Roster._members"] = "follows from the membership",
        ["Roster._voters"] = "follows from the membership",
        ["Roster._outgoing"] = "follows from the membership",
        ["Roster._counted"] = "follows from the membership",
        ["Roster._selfSlot"] = "follows from the membership and the options",
        ["Roster._faults"] = "told again when the core is loaded",
        ["Progress._faults"] = "told again when the core is loaded",
        ["InflightWindow.countMax"] = "an option",
        ["InflightWindow.bytesMax"] = "an option",
        ["InflightWindow._head"] = "where the ring happens to begin; nobody can tell",
        ["InflightWindow.Bytes"] = "the sum of what is saved",
        ["ReadTracker._spare"] = "empty batches to be used again",
        ["ReadTracker.Count"] = "the number of what is saved",
        ["LogTail.PayloadBytes"] = "the sum of what is saved",
    };

    /// <summary>Parts of fields that are saved otherwise.</summary>
    private static readonly string[] Implied =
    [
        "LogTail.Last.Term.Value", // of the last entry
        "LogTail._chunks[][].Index.Value", // counted from the base
    ];

    [Fact]
    public void Every_field_of_a_core_is_saved_or_is_known_to_follow_from_others()
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (RaftCore core in Samples())
        {
            byte[] before = SavedCores.Bytes(core);
            foreach (StateField field in StateField.Of(core, NotSaved.ContainsKey))
            {
                if (seen.Contains(field.Name)) continue;
                Action undo = field.Change();
                if (IsSavedAsOther(core, before)) seen.Add(field.Name);
                undo();
            }
            Assert.Equal(before, SavedCores.Bytes(core)); // all of it was undone
        }

        string[] all = [.. StateField.NamesIn(typeof(RaftCore), NotSaved.ContainsKey).Order(StringComparer.Ordinal)];
        output.WriteLine($"{seen.Count} places are saved: {string.Join(' ', seen.Order(StringComparer.Ordinal))}");
        string[] forgotten = [.. all.Except(NotSaved.Keys).Except(Implied).Except(seen)];
        Assert.True(forgotten.Length == 0, $"A change of these changes nothing in what is saved. Save them (RaftCore.Save.cs or next to the field), or say above why that is not needed: {string.Join(", ", forgotten)}");
        Assert.Empty(NotSaved.Keys.Concat(Implied).Except(all)); // names of fields that are gone
        Assert.Empty(Implied.Intersect(seen));
    }

    private static bool IsSavedAsOther(RaftCore core, byte[] before)
    {
        try
        {
            return !SavedCores.Bytes(core).AsSpan().SequenceEqual(before);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or InvariantViolationException or OverflowException)
        {
            return false; // the change made no sense to the core, so it proves nothing; another sample has to
        }
    }

    /// <summary>Cores that hold something in each of their lists.</summary>
    private static IEnumerable<RaftCore> Samples()
    {
        for (int seed = 0; seed < 8; seed++)
        {
            var cluster = new RandomCluster(seed);
            for (int i = 0; i < 6; i++)
            {
                cluster.Run(60);
                foreach (TestNode node in cluster.Nodes) yield return node.Core;
            }
        }

        TestNode leader = LeaderWith("1");
        leader.Sync();
        AppendRequest probe = leader.TakeSent<AppendRequest>().First(m => m.To.Value == 2);
        leader.Receive(Accepted(2, 2, probe.Sequence, 1));
        leader.Propose(1, 2, 3);
        leader.Step(RaftInput.Read(5));
        leader.Core.Step(RaftInput.Read(6), new RaftOutput());
        yield return leader.Core;

        // In the middle of a batch: what it says waits for the write that it makes.
        TestNode follower = NodeWith("1 1");
        follower.Core.Step(RaftInput.Received(Append(from: 2, term: 2, Id(1, 1), "2")), new RaftOutput());
        yield return follower.Core;
    }
}
