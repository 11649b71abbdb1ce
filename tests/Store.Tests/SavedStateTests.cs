using System.Buffers;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class SavedStateTests(ITestOutputHelper output)
{
    internal static byte[] Save(StoreView view)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KeyValueStore.Save(view, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    internal static KeyValueStore Load(byte[] saved) => KeyValueStore.Load(new MemoryStream(saved), new StoreOptions { CompactionChangesPerPublish = 3 });

    [Fact]
    public void A_loaded_state_has_the_same_future() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(1000), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (StorePair.IsValid(command))
                    pair.Apply(command);
                if (!choices.Chance(15))
                    continue;
                pair.Publish();
                byte[] saved = Save(pair.Store.View);
                KeyValueStore loaded = Load(saved);
                Assert.Equal(saved, Save(loaded.View));
                Assert.Equal(pair.Store.View.HashKv(0, out uint hash, out _), loaded.View.HashKv(0, out uint hashLoaded, out _));
                Assert.Equal(hash, hashLoaded);
                if (choices.Chance(50))
                    pair.Store = loaded;
                else
                    pair.Store.Install(loaded);
            }

            pair.Publish();
            for (long revision = 1; revision <= pair.Model.Revision + 1; revision++)
                pair.Read(new RangeOf("\0", "\0") { Revision = revision });
        }), output, tests: 200);

    /// <summary>Found by fuzzing: the checksum is right, the revision is 1, and there are changes up to 6. The next write would have had a revision that the key has already.</summary>
    [Fact]
    public void A_state_with_more_changes_than_revisions_is_refused()
    {
        byte[] saved = Convert.FromHexString(
            "434e434c5653540a010000000100000000000000ffffffffffffffff00000000000000000000000000000000000000000c0a01611002180220012a01"
            + "620e0a01621003180320012a016130070e0a01611002180420022a03632f310c0a01611002180520032a0162050a01611806050a0162180600b845ee77");

        Assert.Throws<StoreDamagedException>(() => Load(saved));
    }

    [Fact]
    public void Member_attributes_and_applied_position_are_saved()
    {
        var store = new KeyValueStore(new StoreOptions());
        store.AdvanceApplied(1, 7);
        store.Apply(2, 8, new Command(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes(0xabc, "one"u8)), false);
        store.Apply(3, 8, new Command(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes(0xabd, "two"u8)), false);
        store.Apply(4, 9, new Command(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes(0xabc, "three"u8)), false);
        store.Apply(5, 9, new Command(CommandKind.MemberAttributes, 1, 1, CommandBody.MemberAttributes(0xabd, [])), false);
        store.Publish();

        StoreView view = Load(Save(store.View)).View;
        Assert.Equal((5UL, 9UL), (view.AppliedIndex, view.AppliedTerm));
        Assert.Equal("three"u8.ToArray(), Assert.Single(view.MemberAttributes).Value.ToArray());
        Assert.Equal(0xabcUL, view.MemberAttributes.Keys.Single());
    }

    [Fact]
    public void Any_damage_is_noticed()
    {
        var pair = new StorePair();
        pair.Apply(new GrantOf(5, 60));
        pair.Apply(new AlarmOf(1, 3, 1));
        pair.Apply(new AlarmOf(2, 3, 1));
        pair.Apply(new AlarmOf(1, 4, 2));
        pair.Apply(new AlarmOf(2, 4, 2));
        for (int i = 0; i < 6; i++)
            pair.Apply(new PutOf($"k{i % 4}", $"v{i}") { Lease = i % 2 == 0 ? 5 : 0 });
        pair.Apply(new DeleteOf("k2"));
        pair.Apply(new CompactTo(6));
        pair.Publish();
        SessionClient.Apply(pair.Store, new PutOf("k1", "once") { Previous = true }, 5, 1);
        ulong mark = pair.Store.AppliedIndex + 1;
        pair.Store.Apply(mark, 1, new Command(CommandKind.StateMark, 0, 0, CommandBody.StateMark(1, [new(3, true, 7), new(4, false, 6)])), false);
        pair.Store.Apply(mark + 1, 1, new Command(CommandKind.StateReport, 0, 0, CommandBody.StateReport(mark, 3, 99)), false);
        pair.Store.Publish();
        byte[] saved = Save(pair.Store.View);
        Load(saved);

        for (int cut = 0; cut < saved.Length; cut++)
            Assert.Throws<StoreDamagedException>(() => Load(saved[..cut]));
        for (int position = 0; position < saved.Length; position++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] damaged = [.. saved];
                damaged[position] ^= (byte)(1 << bit);
                Assert.Throws<StoreDamagedException>(() => Load(damaged));
            }
        }

        Assert.Throws<StoreDamagedException>(() => Load([.. saved, 0]));
    }

    [Fact]
    public void A_saved_state_is_the_same_through_a_stream_and_a_buffer()
    {
        var pair = new StorePair();
        for (int i = 0; i < 3000; i++)
            pair.Apply(new PutOf($"key {i % 700}", new string('x', i % 100)));
        pair.Publish();
        var stream = new MemoryStream();
        KeyValueStore.Save(pair.Store.View, stream);
        Assert.Equal(Save(pair.Store.View), stream.ToArray());
    }
}
