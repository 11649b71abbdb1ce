using Conclave.Store.Reading;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class StateHashTests(ITestOutputHelper output)
{
    /// <summary>A state with something of everything; each test of a single difference changes one thing of it.</summary>
    private static readonly string[] Story =
    [
        "grant 5 60", "grant 6 60", "put a 1 0", "put b 1 5", "put c 1 0", "delete c", "put a 2 0", "put c 2 6", "put d 1 0", "delete d",
        "compact 4", "session 5 3 put s v", "attributes 9 name", "alarm 1 9 1", "mark 9 100", "report 9 55",
    ];

    [Fact]
    public void Equal_logs_give_equal_hashes_whatever_happened_on_the_way() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(800), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            KeyValueStore other = new(new StoreOptions { CompactionChangesPerPublish = 1000 });
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                byte[] payload = NextCommand(choices, random, pair);
                if (payload.Length == 0)
                    continue;
                Apply(pair.Store, payload);
                Apply(other, payload);
                if (choices.Chance(30))
                    pair.Store.Publish();
                if (choices.Chance(10))
                    other.Publish();
                if (!choices.Chance(5))
                    continue;
                other.Publish();
                KeyValueStore loaded = SavedStateTests.Load(SavedStateTests.Save(other.View));
                Assert.Equal(other.View.StateHash(), loaded.View.StateHash());
                other = loaded;
            }

            pair.Store.Publish();
            other.Publish();
            Assert.Equal(pair.Store.View.StateHash(), other.View.StateHash());
        }), output, tests: 300);

    [Fact]
    public void Different_visible_states_have_different_hashes() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(300), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            var seen = new Dictionary<ulong, byte[]>();
            while (choices.AreLeft)
            {
                byte[] payload = NextCommand(choices, random, pair);
                if (payload.Length == 0)
                    continue;
                Apply(pair.Store, payload);
                pair.Store.Publish();
                byte[] saved = WithoutAppliedIndex(SavedStateTests.Save(pair.Store.View));
                if (seen.TryGetValue(pair.Store.View.StateHash(), out byte[]? same))
                    Assert.Equal(same, saved);
                seen[pair.Store.View.StateHash()] = saved;
            }
        }), output, tests: 100);

    [Theory]
    [InlineData("grant 5 60", "grant 5 61")]
    [InlineData("grant 6 60", "grant 6 59")]
    [InlineData("put a 1 0", "put a 3 0")]
    [InlineData("put a 2 0", "put a 2 6")]
    [InlineData("put a 2 0", "put e 2 0")]
    [InlineData("put c 2 6", "put c 2 5")]
    [InlineData("put c 2 6", "put c 2 0")]
    [InlineData("put d 1 0", "put d  0")]
    [InlineData("compact 4", "compact 5")]
    [InlineData("compact 4", "")]
    [InlineData("session 5 3 put s v", "session 5 4 put s v")]
    [InlineData("session 5 3 put s v", "session 6 3 put s v")]
    [InlineData("session 5 3 put s v", "put s v 0")]
    [InlineData("attributes 9 name", "attributes 9 name2")]
    [InlineData("attributes 9 name", "attributes 8 name")]
    [InlineData("alarm 1 9 1", "alarm 1 8 1")]
    [InlineData("alarm 1 9 1", "")]
    [InlineData("mark 9 100", "mark 9 101")]
    [InlineData("report 9 55", "report 9 54")]
    [InlineData("report 9 55", "")]
    public void Any_single_difference_gives_another_hash(string line, string instead)
    {
        ulong whole = HashOf(Story), changed = HashOf([.. Story.Select(l => l == line ? instead : l)]);
        Assert.Equal(whole, HashOf(Story));
        Assert.NotEqual(whole, changed);
    }

    [Fact]
    public void The_order_of_changes_within_a_revision_counts()
    {
        var ab = new KeyValueStore(new StoreOptions());
        var ba = new KeyValueStore(new StoreOptions());
        StorePair.ApplyTo(ab, new TxnOf([], [new PutOf("a"), new PutOf("b")], []));
        StorePair.ApplyTo(ba, new TxnOf([], [new PutOf("b"), new PutOf("a")], []));
        ab.Publish();
        ba.Publish();
        Assert.NotEqual(ab.View.StateHash(), ba.View.StateHash());   // watchers see it
    }

    [Fact]
    public void A_hash_is_of_its_view_however_the_store_goes_on()
    {
        var store = new KeyValueStore(new StoreOptions());
        for (int i = 0; i < 100; i++)
            StorePair.ApplyTo(store, new PutOf($"k{i % 40}", $"{i}"));
        store.Publish();
        StoreView view = store.View;
        ulong hash = view.StateHash();
        for (int i = 0; i < 100; i++)
            StorePair.ApplyTo(store, i % 3 == 0 ? new DeleteOf($"k{i % 50}") : new PutOf($"k{i % 60}", $"{i}"));
        StorePair.ApplyTo(store, new CompactTo(150));
        store.Publish();
        Assert.Equal(hash, view.StateHash());
        Assert.NotEqual(hash, store.View.StateHash());
    }

    [Fact]
    public void Every_flipped_bit_and_every_length_of_a_record_counts()
    {
        var seen = new HashSet<ulong>();
        for (int length = 0; length <= 40; length++)
        {
            byte[] record = new byte[length];
            Assert.True(seen.Add(Hash(record)));
            for (int bit = 0; bit < 8 * length; bit++)
            {
                record[bit / 8] ^= (byte)(1 << bit % 8);
                Assert.True(seen.Add(Hash(record)));
                record[bit / 8] ^= (byte)(1 << bit % 8);
            }
        }

        static ulong Hash(byte[] record)
        {
            var hasher = new StateHasher();
            hasher.Add(record);
            hasher.Add("more"u8);
            return hasher.Value;
        }
    }

    private static byte[] NextCommand(Choices choices, RandomRequests random, StorePair pair)
    {
        if (choices.Chance(5))
            return Command.Encode(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes((ulong)choices.Below(3), choices.Chance(30) ? [] : "x"u8));
        if (choices.Chance(5))
            return Command.Encode(CommandKind.StateMark, 1, 1, CommandBody.StateMark(1, [new(1, true, (ulong)choices.Below(9)), new(2, true, 3), new(3, choices.Chance(50), 1)]));
        if (choices.Chance(5))
            return Command.Encode(CommandKind.StateReport, 1, 1, CommandBody.StateReport(pair.Store.View.Marks.Index, (ulong)choices.Below(4), (ulong)choices.Below(2)));
        Request command = random.Command();
        if (!StorePair.IsValid(command))
            return [];
        SessionSequence session = command is PutOf or DeleteOf && choices.Chance(50) ? new(choices.Of<long>(1, 2), (ulong)choices.Below(10)) : default;
        return Command.Encode(StorePair.KindOf(command), 1, 1, command.ToBytes(), session);
    }

    private static void Apply(KeyValueStore store, byte[] payload)
    {
        Assert.True(Command.TryDecode(payload, out Command command));
        store.Apply(store.AppliedIndex + 1, 1, command, wantResponse: false);
    }

    private static byte[] WithoutAppliedIndex(byte[] saved)
    {
        saved.AsSpan(28, 8).Clear();
        return saved[..^4];   // the checksum knows it too
    }

    private static ulong HashOf(string[] story)
    {
        var store = new KeyValueStore(new StoreOptions());
        foreach (string line in story)
            Tell(store, line.Split(' '));
        store.Publish();
        return store.View.StateHash();
    }

    private static void Tell(KeyValueStore store, string[] words)
    {
        byte[] payload = words[0] switch
        {
            "grant" => Of(new GrantOf(long.Parse(words[1]), long.Parse(words[2]))),
            "put" => Of(new PutOf(words[1], words[2]) { Lease = long.Parse(words[3]) }),
            "delete" => Of(new DeleteOf(words[1])),
            "compact" => Of(new CompactTo(long.Parse(words[1]))),
            "session" => Of(new PutOf(words[4], words[5]), new(long.Parse(words[1]), ulong.Parse(words[2]))),
            "attributes" => Command.Encode(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes(ulong.Parse(words[1]), Proto.Key(words[2]))),
            "alarm" => Of(new AlarmOf(int.Parse(words[1]), ulong.Parse(words[2]), int.Parse(words[3]))),
            "mark" => Command.Encode(CommandKind.StateMark, 1, 1, CommandBody.StateMark(1, [new(ulong.Parse(words[1]), true, ulong.Parse(words[2]))])),
            "report" => Command.Encode(CommandKind.StateReport, 1, 1, CommandBody.StateReport(store.AppliedIndex, ulong.Parse(words[1]), ulong.Parse(words[2]))),
            _ => [],
        };
        if (payload.Length == 0)
            store.AdvanceApplied(store.AppliedIndex + 1, 1);
        else
            Apply(store, payload);
    }

    private static byte[] Of(Request request, SessionSequence session = default) => Command.Encode(StorePair.KindOf(request), 1, 1, request.ToBytes(), session);
}
