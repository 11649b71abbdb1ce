namespace Conclave.Store.Tests;

/// <summary>A store in a story, perhaps with a deliberate bug.</summary>
internal sealed class Scenario(StoreFaults faults)
{
    // One change per publish: compaction takes its time, as on a large store.
    private static readonly StoreOptions Options = new() { CompactionChangesPerPublish = 1 };

    public KeyValueStore Store { get; private set; } = new(Options, faults);

    public ApplyOutcome Do(Request request)
    {
        ApplyOutcome outcome = StorePair.ApplyTo(Store, request);
        Store.Publish();
        return outcome;
    }

    public ApplyOutcome DoInSession(long session, ulong sequence, Request request)
    {
        ApplyOutcome outcome = SessionClient.Apply(Store, request, session, sequence);
        Store.Publish();
        return outcome;
    }

    public string Read(string key, long revision = 0) => StorePair.ReadText(Store.View, new RangeOf(key) { Revision = revision });

    public byte[] Save() => SavedStateTests.Save(Store.View);

    public static KeyValueStore Load(byte[] saved, StoreFaults faults) => KeyValueStore.Load(new MemoryStream(saved), Options, faults);

    /// <summary>Power off and on: the state is what the snapshot holds.</summary>
    public void Restart(byte[] snapshot) => Store = Load(snapshot, faults);

    /// <summary>A snapshot from the leader takes the place of the state; watchers stay.</summary>
    public void Install(byte[] snapshot) => Store.Install(Load(snapshot, faults));

    public static string Revisions(IEnumerable<WatchMsg> messages) => string.Join(" ", messages.SelectMany(m => m.Events).Select(e => e.Revision));
}
