using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class RandomWatchTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_watcher_gets_exactly_the_history_of_its_range() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(1500), program =>
        {
            var choices = new Choices(program);
            var pair = new StorePair();
            var random = new RandomRequests(choices, () => pair.Model);
            var streams = new List<CheckedStream>();
            while (choices.AreLeft)
            {
                switch (choices.Below(10))
                {
                    case 0 when streams.Count < 4:
                        streams.Add(new CheckedStream(pair));
                        break;
                    case 1 or 2 when streams.Count > 0:
                        Stream(streams, choices).Create(random, choices);
                        break;
                    case 3 when streams.Count > 0:
                        Stream(streams, choices).CancelOrAsk(choices);
                        break;
                    case 4 or 5 when streams.Count > 0:
                        Stream(streams, choices).Take(choices.Below(6));
                        break;
                    case 6 when choices.Chance(20):
                        Burst(pair, random, choices);
                        break;
                    case 7 when choices.Chance(10):
                        pair.Publish();
                        pair.Store.Install(SavedStateTests.Load(SavedStateTests.Save(pair.Store.View)));
                        streams.ForEach(s => s.NoteInstalled());
                        break;
                    default:
                        Request command = random.Command();
                        if (StorePair.IsValid(command))
                            pair.Apply(command);
                        if (choices.Chance(60))
                            pair.Publish();
                        break;
                }
            }

            pair.Publish();
            foreach (CheckedStream stream in streams)
                stream.TakeToTheEnd();
        }), output, tests: 400);

    private static CheckedStream Stream(List<CheckedStream> streams, Choices choices) => streams[choices.Below(streams.Count)];

    private static void Burst(StorePair pair, RandomRequests random, Choices choices)
    {
        string key = random.Key();
        int count = 10 + choices.Below(40);
        bool publishEach = choices.Chance(50);
        for (int i = 0; i < count; i++)
        {
            pair.Apply(new PutOf(key, i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            if (publishEach)
                pair.Publish();
        }

        pair.Publish();
    }

    /// <summary>A stream whose every message is checked against the model's list of events.</summary>
    private sealed class CheckedStream(StorePair pair)
    {
        private readonly WatchClient _client = new(pair.Store);
        private readonly List<Expected> _watches = [];
        private bool _asked;

        public void Create(RandomRequests random, Choices choices)
        {
            string key = random.Key(), end = random.End(key);
            long start = choices.Chance(50) ? 0 : Math.Max(0, pair.Store.View.Revision + 4 - choices.Below(choices.Chance(70) ? 12 : 100));
            var watch = new Expected(pair, key, end, start) { Previous = choices.Chance(50), NoPut = choices.Chance(15), NoDelete = choices.Chance(15) };
            _client.Create(key, end, start, previous: watch.Previous, noPut: watch.NoPut, noDelete: watch.NoDelete);
            if (end is "" or "\0" || string.CompareOrdinal(end, key) > 0)
                _watches.Add(watch);
        }

        public void CancelOrAsk(Choices choices)
        {
            if (choices.Chance(60))
            {
                _client.AskProgress();
                _asked = true;
                return;
            }

            if (_watches.Count == 0)
                return;
            Expected watch = _watches[choices.Below(_watches.Count)];
            if (watch.IsCreated && !watch.IsOver)
            {
                watch.IsCancelling = true;
                _client.Cancel(watch.Id);
            }
        }

        public void Take(int messages)
        {
            for (int i = 0; i < messages; i++)
            {
                if (_client.Take() is not { } message)
                {
                    NoteSynced();
                    return;
                }

                Check(message);
            }
        }

        public void TakeToTheEnd()
        {
            while (_client.Take() is { } message)
                Check(message);
            foreach (Expected watch in _watches)
                pair.Expect(watch.IsOver || watch.HasAllTo(pair.Model.Revision), $"watch {watch} misses events at the end");
        }

        private void NoteSynced()
        {
            foreach (Expected watch in _watches)
                (watch.SyncedTo, watch.InstalledSince) = (pair.Store.View.Revision, false);
        }

        public void NoteInstalled() => _watches.ForEach(w => w.InstalledSince = true);

        private void Check(WatchMsg message)
        {
            pair.Story.Add($"  taken: {message}");
            if (message is { Created: true, Id: -1 })
                return;
            if (message.Created)
            {
                _watches.First(w => !w.IsCreated).OnCreated(message);
                return;
            }

            if (message.Id == -1)
            {
                pair.Expect(_asked, "progress that nobody asked for");
                foreach (Expected watch in _watches.Where(w => w is { IsCreated: true, IsOver: false }))
                    watch.OnProgress(message.Header);
                return;
            }

            _watches.Single(w => w.IsCreated && w.Id == message.Id).On(message);
        }
    }

    private sealed class Expected(StorePair pair, string key, string end, long start)
    {
        private int _delivered;
        private long _lastRevision;
        private long _promised;
        private long _from = start;

        public bool Previous { get; init; }
        public bool NoPut { get; init; }
        public bool NoDelete { get; init; }
        public long Id { get; private set; }
        public bool IsCreated { get; private set; }
        public bool IsCancelling { get; set; }
        public bool IsOver { get; private set; }
        public long SyncedTo { get; set; }
        public bool InstalledSince { get; set; }

        public override string ToString() => $"{Id} {key}..{end} from {_from}";

        public void OnCreated(WatchMsg message)
        {
            IsCreated = true;
            Id = message.Id;
            if (_from == 0)
                _from = message.Header + 1;
        }

        public bool HasAllTo(long revision) => Events().Count(e => e.Revision <= revision) == _delivered;

        public void OnProgress(long revision)
        {
            pair.Expect(_from <= revision + 1, $"progress {revision} before the start of {this}");
            pair.Expect(HasAllTo(revision), $"progress {revision} before the events of {this}");
            _promised = revision;
        }

        public void On(WatchMsg message)
        {
            pair.Expect(!IsOver, $"a message after the end of {this}");
            if (message.Canceled)
            {
                IsOver = true;
                if (message.Compacted == 0)
                {
                    pair.Expect(IsCancelling, $"{this} was cancelled by nobody");
                    return;
                }

                pair.Expect(message.Header == 0 && message.Compacted <= pair.Model.Compacted, "the form of the compacted message");
                bool startedBelow = _from < message.Compacted && SyncedTo < _from;
                bool missed = pair.Model.Events.Any(e => e.Revision > Math.Max(SyncedTo, _lastRevision) && e.Revision < message.Compacted && ModelStore.InRange(e.Key, key, end));
                pair.Expect(startedBelow || missed || InstalledSince, $"{this} was cancelled although nothing in its range was compacted that it had not seen");
                return;
            }

            pair.Expect(message.Events.Length > 0, "a message without events");
            List<ModelEvent> all = [.. Events()];
            foreach (WatchEvent actual in message.Events)
            {
                pair.Expect(_delivered < all.Count, $"{this} got {actual}, which never happened");
                ModelEvent expected = all[_delivered++];
                _lastRevision = expected.Revision;
                ModelKv? before = Previous && expected.Revision > pair.Store.View.CompactRevision ? expected.Before : null;
                var asEvent = new WatchEvent(expected.Now is null, expected.Now ?? new ModelKv(expected.Key, 0, expected.Revision, 0, "", 0), before);
                pair.Expect(asEvent == actual, $"{this} got {actual}: expected {asEvent}");
                pair.Expect(actual.Revision > _promised, $"{this} got {actual} after progress {_promised}");
            }

            pair.Expect(_delivered == all.Count || all[_delivered].Revision > message.Events[^1].Revision, $"{this}: a revision was split");
            pair.Expect(message.Header >= message.Events[^1].Revision && HasAllTo(message.Header), $"{this}: header.revision {message.Header} promises too much");
        }

        private IEnumerable<ModelEvent> Events() => pair.Model.Events.Where(e =>
            e.Revision >= _from && e.Revision <= pair.Store.View.Revision && ModelStore.InRange(e.Key, key, end) && (e.Now is null ? !NoDelete : !NoPut));
    }
}
