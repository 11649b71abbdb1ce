using System.Collections.Immutable;
using Conclave.Layers.Tests.Resolution;
using Conclave.Layers.Tests.Support;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Releases;

public class ReleaseTests(ITestOutputHelper output)
{
    [Fact]
    public void Returning_to_any_release_gives_its_exact_bytes() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        var contents = new SortedDictionary<long, byte[]>();
        Fleet last = Fleet.Of(ConfigState.Initial);
        foreach ((Fleet before, Fleet after, _) in FleetModelTests.Run(seed, changes: 8))
        {
            contents[before.State.Release] = before.State.ContentBytes();
            contents[after.State.Release] = after.State.ContentBytes();
            last = after;
        }
        foreach ((long release, byte[] content) in contents)
        {
            Assert.Equal(content, last.State.At(release)!.ContentBytes());
            Change change = last.State.ReturnTo(release);
            ConfigState returned = FleetModelTests.Applied(last.State, change.Edits);
            Assert.Equal(content, returned.ContentBytes());
            Assert.Equal(last.State.ContentBytes(), returned.At(last.State.Release)!.ContentBytes());
        }
    }), output, tests: 60);

    /// <summary>What is done where the history is not kept: it has to give the same.</summary>
    [Fact]
    public void The_past_put_together_from_records_is_that_of_the_history_and_so_is_the_way_back() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        ConfigState folded = ConfigState.Initial;
        var states = new List<ConfigState>();
        Fleet last = Fleet.Of(ConfigState.Initial);
        foreach ((Fleet before, Fleet after, ImmutableArray<Edit> edits) in FleetModelTests.Run(seed, changes: 8))
        {
            if (after.State.Release == before.State.Release)
                continue;
            while (folded.Release < before.State.Release)
                folded = folded.Replay(new(new(folded.Release, [.. before.State.EditsOf(folded.Release + 1)!.Value]), new ReleaseNote()));
            folded = folded.Replay(ChangeRecord.FromBytes(new ChangeRecord(new(before.State.Release, edits), new ReleaseNote()).ToBytes()));
            Assert.Equal((after.State.Release, Convert.ToHexString(after.State.ContentBytes())), (folded.Release, Convert.ToHexString(folded.ContentBytes())));
            states.Add(folded.SeenFrom(after.State));
            last = after;
        }

        foreach (ConfigState then in states)
        {
            ImmutableArray<Edit> back = last.State.EditsTo(then);
            Assert.Equal(then.ContentBytes(), FleetModelTests.Applied(last.State, back).ContentBytes());
            Assert.Equal(back.Length, back.Select(e => e.Address).Distinct().Count());
            Assert.All(back, e => Assert.Contains(e, last.State.ReturnTo(then.Release).Edits));   // nothing but what the history gives back, too
        }
    }), output, tests: 60);

    [Fact]
    public void States_and_changes_come_back_from_their_bytes() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        (_, Fleet fleet, ImmutableArray<Edit> edits) = FleetModelTests.Run(seed, changes: 8).Last();
        byte[] bytes = fleet.State.ToBytes();
        Assert.Equal(bytes, ConfigState.FromBytes(bytes).ToBytes());
        var record = new ChangeRecord(new(fleet.State.Release, edits), new ReleaseNote { Author = "amy", Reason = "because", TimeUnixMs = seed, Ticket = "OPS-1" }, 7);
        ChangeRecord read = ChangeRecord.FromBytes(record.ToBytes());
        Assert.Equal(record, read);
    }), output, tests: 60);

    [Fact]
    public void Damaged_records_are_refused_or_are_another_record_in_its_one_form()
    {
        (_, Fleet fleet, ImmutableArray<Edit> edits) = FleetModelTests.Run(5, changes: 8).Last();
        var random = new Random(1);
        foreach (byte[] bytes in (byte[][])[fleet.State.ToBytes(), new ChangeRecord(new(3, edits), new ReleaseNote { Author = "amy" }).ToBytes()])
        {
            for (int length = 0; length < bytes.Length; length += 1 + bytes.Length / 300)
                Assert.Throws<RecordDamagedException>(() => Read(bytes[..length]));
            for (int i = 0; i < 2000; i++)
            {
                byte[] damaged = [.. bytes];
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                byte[] again;
                try
                {
                    again = Read(damaged);
                }
                catch (RecordDamagedException)
                {
                    continue;
                }
                Assert.Equal(damaged, again);
            }
        }

        static byte[] Read(byte[] bytes) => bytes.Length > 0 && bytes[0] == 0xC1 ? ConfigState.FromBytes(bytes).ToBytes() : ChangeRecord.FromBytes(bytes).ToBytes();
    }

    [Fact]
    public void A_plan_names_exactly_the_nodes_and_keys_that_change() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        foreach ((Fleet before, _, ImmutableArray<Edit> edits) in FleetModelTests.Run(seed, changes: 8))
        {
            Plan plan = before.Plan(new(before.State.Release, edits), new ReleaseNote(), RandomFleet.Facts);
            if (plan.Impact is null)
                continue;
            Fleet after = Fleet.Of(FleetModelTests.Applied(before.State, edits));
            var nodes = new SortedSet<string>(StringComparer.Ordinal);
            var keys = new SortedSet<KeyAddress>();
            foreach (string node in after.State.Nodes.Keys)
            {
                foreach (string document in after.State.Documents.Keys.Union(before.State.Documents.Keys))
                {
                    foreach (string key in after.KeysOf(document).Union(before.KeysOf(document)))
                    {
                        Evaluated old = before.EffectiveKey(node, document, key, RandomFleet.Facts), now = after.EffectiveKey(node, document, key, RandomFleet.Facts);
                        if (Equals(old.Value, now.Value))
                            continue;
                        nodes.Add(node);
                        keys.Add(new(document, key));
                    }
                }
            }
            Assert.Equal(nodes, plan.Impact.Nodes);
            Assert.Equal(keys, plan.Impact.Keys);
        }
    }), output, tests: 40);

    [Fact]
    public void Whoever_applies_a_record_gets_the_same_bytes_checked_before_or_not() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        Fleet fleet = Fleet.Of(ConfigState.Initial).Publish(new(RandomFleet.Foundation, new ReleaseNote { Author = "amy" })).Fleet;
        var random = new RandomFleet(seed);
        for (int i = 0; i < 10; i++)
        {
            var change = new Change(fleet.State.Release, random.Edits());
            Plan plan = fleet.Plan(change, new ReleaseNote { Author = "bob", Reason = "try" });
            PublishResult blind = fleet.Publish(new(change, new ReleaseNote { Author = "bob", Reason = "try" }));
            Assert.Equal(plan.Record is not null, blind.IsPublished);
            if (plan.Record is null)
            {
                Assert.Equal(fleet.State.ToBytes(), blind.Fleet.State.ToBytes());
                continue;
            }
            PublishResult trusted = Fleet.Of(ConfigState.FromBytes(fleet.State.ToBytes())).Publish(ChangeRecord.FromBytes(plan.Record.ToBytes()));
            Assert.Equal(trusted.Fleet.State.ToBytes(), blind.Fleet.State.ToBytes());
            fleet = trusted.Fleet;
        }
    }), output, tests: 60);
}
