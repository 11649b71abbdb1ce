using Conclave.Store.Reading;
using Conclave.Store.Requests;
using Conclave.Store.Writing;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class ResponseBoundTests(ITestOutputHelper output)
{
    private static readonly string LargeValue = new('x', 300_000);

    [Fact]
    public void No_answer_is_larger_than_its_bound() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(800), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var state = new StoreState();
            var applier = new CommandApplier(state);
            var bound = new ResponseBound(state);
            var random = new RandomRequests(choices, () => pair.Model);
            while (choices.AreLeft)
            {
                Request command = random.Command();
                if (!StorePair.IsValid(command))
                    continue;
                long bytes = BoundOf(bound, state, command);
                ApplyOutcome outcome = applier.Apply(new Command(StorePair.KindOf(command), 1, 1, command.ToBytes()), wantResponse: true);
                pair.Apply(command);
                Assert.True(outcome.Body.Length <= bytes, $"{command}: {outcome.Body.Length} bytes, bound {bytes}");
            }
        }), output, tests: 300);

    [Fact]
    public void An_answer_that_is_too_large_to_keep_is_refused_before_anything_is_written()
    {
        var reads = new TxnOf([], [new PutOf("new", "1"), new RangeOf("a", "z")], []);
        foreach (Request request in (Request[])[reads, new DeleteOf("a", "z") { Previous = true }])
        {
            KeyValueStore store = SessionClient.WithLeases(7);
            for (int i = 0; i < 4; i++)
                StorePair.ApplyTo(store, new PutOf($"k{i}", LargeValue));
            string keys = SessionClient.Keys(store);
            ApplyOutcome outcome = SessionClient.Apply(store, request, 7, 1);
            Assert.Equal((StoreError.ResponseTooLarge, 5), (outcome.Error, outcome.Revision));
            Assert.Equal(keys, SessionClient.Keys(store));

            // Told once, told always: a copy of it must not succeed when the range has shrunk.
            StorePair.ApplyTo(store, new DeleteOf("k1"));
            Assert.Equal(StoreError.ResponseTooLarge, SessionClient.Apply(store, request, 7, 1).Error);
            Assert.Equal(StoreError.None, SessionClient.Apply(store, request, 7, 2).Error);
        }
    }

    [Fact]
    public void A_large_previous_value_of_a_put_is_refused_and_a_small_answer_about_much_is_not()
    {
        KeyValueStore store = SessionClient.WithLeases(7);
        StorePair.ApplyTo(store, new PutOf("k", new string('x', 1_100_000)));
        Assert.Equal(StoreError.ResponseTooLarge, SessionClient.Apply(store, new PutOf("k", "small") { Previous = true }, 7, 1).Error);
        var counts = new TxnOf([], [new RangeOf("a", "z") { CountOnly = true }, new RangeOf("a", "z") { KeysOnly = true }, new PutOf("k", "small")], []);
        Assert.Equal(StoreError.None, SessionClient.Apply(store, counts, 7, 2).Error);
        Assert.Equal(StoreError.None, SessionClient.Apply(store, new DeleteOf("a", "z"), 7, 3).Error);
    }

    private static long BoundOf(ResponseBound bound, StoreState state, Request command)
    {
        byte[] bytes = command.ToBytes();
        switch (command)
        {
            case PutOf:
                Assert.True(PutRequest.TryParse(bytes, out PutRequest put));
                bound.Fits(put);
                return bound.Bytes;
            case DeleteOf:
                Assert.True(DeleteRangeRequest.TryParse(bytes, out DeleteRangeRequest delete));
                bound.Fits(delete);
                return bound.Bytes;
            case TxnOf:
                List<bool> branches = [];
                TxnBranches.Decide(bytes, state.Now, branches);
                bound.Fits(bytes, branches);
                return bound.Bytes;
            default:
                return long.MaxValue;
        }
    }
}
