using System.Buffers;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class StoreAgainstModelTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_answer_is_that_of_an_obvious_store() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(1200), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (StorePair.IsValid(command))
                    pair.Apply(command);
                if (choices.Chance(50))
                    pair.Read(random.Range());
            }

            pair.Publish();
            CheckLeases(pair);
        }), output, tests: 400);

    [Fact]
    public void Old_revisions_stay_as_they_were_until_they_are_compacted() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(600), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (StorePair.IsValid(command))
                    pair.Apply(command);
            }

            pair.Publish();
            for (long revision = 1; revision <= pair.Model.Revision + 1; revision++)
                pair.Read(new RangeOf("\0", "\0") { Revision = revision });
        }), output, tests: 150);

    [Fact]
    public void A_view_that_is_held_never_changes() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(900), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            var held = new List<(StoreView View, string[] Answers, uint Hash)>();
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (StorePair.IsValid(command))
                    pair.Apply(command);
                if (!choices.Chance(25))
                    continue;
                pair.Publish();
                held.Add((pair.Store.View, Answers(pair.Store.View), pair.Store.View.Hash()));
            }

            for (int i = 0; i < 20; i++)
                pair.Publish();   // all compacted history is given back
            foreach ((StoreView view, string[] answers, uint hash) in held)
            {
                Assert.Equal(answers, Answers(view));
                Assert.Equal(hash, view.Hash());
            }
        }), output, tests: 150);

    [Fact]
    public void A_read_only_transaction_on_a_view_answers_as_one_that_was_applied() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(600), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (StorePair.IsValid(command))
                    pair.Apply(command);
                var txn = new TxnOf([random.Compare()], [random.Range(), random.Range()], [random.Range()]);
                StoreError error = RequestCheck.Txn(txn.ToBytes(), out bool readOnly, out bool serializable, out bool writes);
                Assert.Equal((StoreError.None, true, false, false), (error, readOnly, serializable, writes));
                pair.Publish();
                var body = new ArrayBufferWriter<byte>();
                string actual = StorePair.Text(txn, pair.Store.View.ReadOnlyTxn(txn.ToBytes(), body), body.WrittenMemory);
                string expected = pair.Model.Read(txn);
                pair.Expect(expected == actual, $"{txn} => {actual}: expected {expected}");
            }
        }), output, tests: 100);

    [Fact]
    public void Equal_commands_make_equal_states_and_hashes_whatever_the_batches() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(800), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var other = new KeyValueStore(new StoreOptions { CompactionChangesPerPublish = 1000 });
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (!StorePair.IsValid(command))
                    continue;
                pair.Apply(command);
                other.Apply(other.AppliedIndex + 1, 1, new Command(StorePair.KindOf(command), 9, 9, command.ToBytes()), wantResponse: false);
                if (choices.Chance(30))
                    pair.Publish();
                if (choices.Chance(10))
                    other.Publish();
            }

            pair.Publish();
            other.Publish();
            StoreView a = pair.Store.View, b = other.View;
            Assert.Equal(SavedStateTests.Save(a), SavedStateTests.Save(b));
            Assert.Equal(a.Hash(), b.Hash());
            for (long revision = Math.Max(1, a.CompactRevision); revision <= a.Revision; revision++)
            {
                Assert.Equal(StoreError.None, a.HashKv(revision, out uint hashA, out _));
                Assert.Equal(StoreError.None, b.HashKv(revision, out uint hashB, out _));
                Assert.Equal(hashA, hashB);
            }
        }), output, tests: 200);

    private static string[] Answers(StoreView view)
    {
        List<string> answers = [];
        for (long revision = Math.Max(1, view.CompactRevision); revision <= view.Revision; revision++)
            answers.Add(StorePair.ReadText(view, new RangeOf("\0", "\0") { Revision = revision }));
        answers.Add(StorePair.ReadText(view, new RangeOf("a", "c") { CountOnly = true }));
        answers.AddRange(view.Leases.Select(lease => $"{lease} {string.Join(",", view.LeaseKeys(lease.Id).Select(k => Proto.Text(k.ToArray())))}"));
        return [.. answers];
    }

    private static void CheckLeases(StorePair pair)
    {
        StoreView view = pair.Store.View;
        Assert.Equal(pair.Model.Leases.Select(l => new LeaseState(l.Key, l.Value)), view.Leases);
        foreach (long id in pair.Model.Leases.Keys)
        {
            Assert.True(view.TryGetLease(id, out LeaseState lease));
            Assert.Equal(id, lease.Id);
            Assert.Equal(pair.Model.AttachedTo(id), view.LeaseKeys(id).Select(k => Proto.Text(k.ToArray())));
        }

        Assert.False(view.TryGetLease(12345, out _));
        Assert.Equal(pair.Model.Alarms.Select(a => new ActiveAlarm((AlarmKind)a.Alarm, a.Member)), view.Alarms);
    }
}
