namespace Conclave.Store.Tests;

/// <summary>Applies commands of a session to a store, and takes answers apart.</summary>
internal static class SessionClient
{
    public static ApplyOutcome Apply(KeyValueStore store, Request request, long session, ulong sequence, bool wantResponse = true) =>
        store.Apply(store.AppliedIndex + 1, 1, new Command(StorePair.KindOf(request), 1, 1, request.ToBytes(), new SessionSequence(session, sequence)), wantResponse);

    public static KeyValueStore WithLeases(params long[] leases)
    {
        var store = new KeyValueStore(new StoreOptions());
        foreach (long lease in leases)
            StorePair.ApplyTo(store, new GrantOf(lease, 60));
        return store;
    }

    public static string Text(in ApplyOutcome outcome) => $"{outcome.Error} @{outcome.Revision} {Convert.ToHexString(outcome.Body.Span)}";

    public static string Keys(KeyValueStore store)
    {
        store.Publish();
        return StorePair.ReadText(store.View, new RangeOf("\0", "\0"));
    }
}
