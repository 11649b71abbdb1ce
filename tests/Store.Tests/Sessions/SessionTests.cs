using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class SessionTests(ITestOutputHelper output)
{
    [Fact]
    public void A_repeat_is_answered_byte_for_byte_and_changes_nothing()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        StorePair.ApplyTo(store, new PutOf("k", "before"));
        ApplyOutcome first = SessionClient.Apply(store, new PutOf("k", "once") { Previous = true }, 7, 1);
        StorePair.ApplyTo(store, new PutOf("k", "later"));
        string keys = SessionClient.Keys(store);

        ApplyOutcome repeat = SessionClient.Apply(store, new PutOf("k", "once") { Previous = true }, 7, 1);
        Assert.Equal(SessionClient.Text(first), SessionClient.Text(repeat));
        Assert.Contains("6265666F7265", SessionClient.Text(repeat));   // "before"
        Assert.Equal(keys, SessionClient.Keys(store));
    }

    [Fact]
    public void A_member_where_nobody_waited_repeats_the_same_bytes()
    {
        KeyValueStore asked = SessionClient.WithLeases(7), other = SessionClient.WithLeases(7);
        var txn = new TxnOf([], [new PutOf("a", "1"), new RangeOf("a"), new DeleteOf("b") { Previous = true }], []);
        ApplyOutcome answer = SessionClient.Apply(asked, txn, 7, 3);
        SessionClient.Apply(other, txn, 7, 3, wantResponse: false);

        Assert.Equal(SessionClient.Text(answer), SessionClient.Text(SessionClient.Apply(other, txn, 7, 3)));
        Assert.True(answer.Body.Length > 0);
        asked.Apply(asked.AppliedIndex + 1, 1, new Command(CommandKind.Txn, 1, 1, txn.ToBytes(), new SessionSequence(7, 3)), wantResponse: true);
        asked.Publish();
        other.Publish();
        Assert.Equal(SavedStateTests.Save(asked.View), SavedStateTests.Save(other.View));
    }

    [Fact]
    public void An_earlier_sequence_is_refused_for_good()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        SessionClient.Apply(store, new PutOf("k", "5"), 7, 5);
        foreach (ulong sequence in (ulong[])[0, 1, 4])
            Assert.Equal(StoreError.SequenceTooOld, SessionClient.Apply(store, new PutOf("k", "late"), 7, sequence).Error);
        Assert.Contains("=5", SessionClient.Keys(store));
        Assert.Equal(StoreError.SequenceTooOld, SessionClient.Apply(SessionClient.WithLeases(7), new PutOf("k"), 7, 0).Error);
    }

    [Fact]
    public void A_session_without_its_lease_is_refused()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        Assert.Equal(StoreError.LeaseNotFound, SessionClient.Apply(store, new PutOf("k"), 8, 1).Error);
        SessionClient.Apply(store, new PutOf("k", "1"), 7, 1);
        StorePair.ApplyTo(store, new RevokeOf(7));
        Assert.Equal(StoreError.LeaseNotFound, SessionClient.Apply(store, new PutOf("k", "1"), 7, 1).Error);
    }

    [Fact]
    public void A_lease_that_is_granted_again_is_another_session()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        SessionClient.Apply(store, new PutOf("k", "old"), 7, 9);
        StorePair.ApplyTo(store, new RevokeOf(7));
        StorePair.ApplyTo(store, new GrantOf(7, 60));
        Assert.Equal(StoreError.None, SessionClient.Apply(store, new PutOf("k", "new"), 7, 1).Error);
        Assert.Contains("=new", SessionClient.Keys(store));
    }

    [Fact]
    public void What_was_refused_once_stays_refused_although_it_would_succeed_now()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        var put = new PutOf("k") { IgnoreValue = true };
        Assert.Equal(StoreError.KeyNotFound, SessionClient.Apply(store, put, 7, 1).Error);
        StorePair.ApplyTo(store, new PutOf("k", "there now"));
        Assert.Equal(StoreError.KeyNotFound, SessionClient.Apply(store, put, 7, 1).Error);
        Assert.Equal(StoreError.None, SessionClient.Apply(store, put, 7, 2).Error);
    }

    [Fact]
    public void A_repeat_is_answered_even_when_new_writes_are_refused()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        ApplyOutcome first = SessionClient.Apply(store, new PutOf("k", "1"), 7, 1);
        StorePair.ApplyTo(store, new AlarmOf(1, 3, 2));
        Assert.Equal(SessionClient.Text(first), SessionClient.Text(SessionClient.Apply(store, new PutOf("k", "1"), 7, 1)));
        Assert.Equal(StoreError.Corrupt, SessionClient.Apply(store, new PutOf("k", "2"), 7, 2).Error);
    }

    [Fact]
    public void Only_writes_of_keys_belong_into_a_session()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        Assert.Equal(StoreError.Malformed, SessionClient.Apply(store, new GrantOf(8, 60), 7, 1).Error);
        Assert.Equal(StoreError.Malformed, SessionClient.Apply(store, new RevokeOf(7), 7, 2).Error);
        store.Publish();
        Assert.Equal([new LeaseState(7, 60)], store.View.Leases);
    }

    [Fact]
    public void Sessions_are_saved_and_count_in_the_size()
    {
        KeyValueStore store = SessionClient.WithLeases(7, -8, 9);
        StorePair.ApplyTo(store, new PutOf("k", new string('x', 3000)));
        store.Publish();
        long before = store.View.SizeBytes;
        ApplyOutcome first = SessionClient.Apply(store, new DeleteOf("k") { Previous = true }, -8, 2);
        SessionClient.Apply(store, new PutOf("other") { IgnoreLease = true }, 7, 1);
        store.Publish();
        Assert.InRange(store.View.SizeBytes - before, 3000, 4000);

        byte[] saved = SavedStateTests.Save(store.View);
        KeyValueStore loaded = SavedStateTests.Load(saved);
        Assert.Equal(saved, SavedStateTests.Save(loaded.View));
        Assert.Equal((store.View.SizeBytes, store.View.SizeInUseBytes), (loaded.View.SizeBytes, loaded.View.SizeInUseBytes));
        Assert.Equal(SessionClient.Text(first), SessionClient.Text(SessionClient.Apply(loaded, new DeleteOf("k") { Previous = true }, -8, 2)));
        Assert.Equal(StoreError.KeyNotFound, SessionClient.Apply(loaded, new PutOf("other"), 7, 1).Error);

        StorePair.ApplyTo(loaded, new RevokeOf(-8));
        StorePair.ApplyTo(loaded, new RevokeOf(7));
        loaded.Publish();
        Assert.Equal(before + 64 + 5, loaded.View.SizeBytes);   // the tombstone of k is all that is left of both sessions
    }

    [Fact]
    public void A_state_without_sessions_is_saved_as_versions_without_sessions_read_it()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        store.Publish();
        Assert.Equal(1, SavedStateTests.Save(store.View)[8]);
        SessionClient.Apply(store, new PutOf("k"), 7, 1);
        store.Publish();
        Assert.Equal(2, SavedStateTests.Save(store.View)[8]);
        StorePair.ApplyTo(store, new RevokeOf(7));
        store.Publish();
        Assert.Equal(1, SavedStateTests.Save(store.View)[8]);
    }

    [Fact]
    public void Copies_of_commands_anywhere_later_in_the_log_change_nothing() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(500), program =>
        {
            var choices = new Choices(program);
            var model = new StorePair();   // gets every command once
            KeyValueStore store = new(new StoreOptions { CompactionChangesPerPublish = 2 });
            foreach (long lease in (long[])[100, 101])
            {
                model.Apply(new GrantOf(lease, 60));
                StorePair.ApplyTo(store, new GrantOf(lease, 60));
            }

            var random = new RandomRequests(choices, () => model.Model);
            var sent = new List<(Request Request, long Session, ulong Sequence, string Answer)>();
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (command is PutOf or DeleteOf or TxnOf && StorePair.IsValid(command))
                {
                    long session = choices.Of<long>(100, 101);
                    var expected = StorePair.ApplyTo(model.Store, command);
                    model.Model.Apply(command);
                    ulong sequence = (ulong)sent.Count + 1;
                    string answer = SessionClient.Text(SessionClient.Apply(store, command, session, sequence, wantResponse: choices.Chance(50)));
                    Assert.Equal(SessionClient.Text(expected), answer);
                    sent.Add((command, session, sequence, answer));
                }

                if (sent.Count == 0 || !choices.Chance(60))
                    continue;
                (Request request, long of, ulong number, string before) = sent[^(1 + choices.Below(Math.Min(6, sent.Count)))];
                bool isLast = number == sent.Where(s => s.Session == of).Max(s => s.Sequence);
                string again = SessionClient.Text(SessionClient.Apply(store, request, of, number));
                Assert.Equal(isLast ? before : $"SequenceTooOld @{model.Model.Revision} ", again);
                if (choices.Chance(20))
                {
                    store.Publish();
                    store = SavedStateTests.Load(SavedStateTests.Save(store.View));
                }
            }

            model.Store.Publish();
            Assert.Equal(SessionClient.Keys(model.Store), SessionClient.Keys(store));
            Assert.Equal(model.Store.View.Revision, store.View.Revision);
        }), output, tests: 200);
}
