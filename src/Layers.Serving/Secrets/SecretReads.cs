using System.Collections.Immutable;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>Secrets in the views of the store.</summary>
internal static class SecretReads
{
    /// <summary>Takes in what a view has more, or no longer.</summary>
    /// <param name="before">What was known.</param>
    /// <param name="view">The view.</param>
    /// <param name="revision">Up to where it was known; 0 for nothing.</param>
    /// <returns>The same object when nothing changed.</returns>
    /// <exception cref="ConfigDamagedException">A record cannot be read.</exception>
    public static SpaceSecrets Follow(SpaceSecrets before, StoreView view, long revision)
    {
        string prefix = ConfigKeys.Secrets(before.Space);
        IReadOnlyList<KeyValue> changed = StoreReads.All(view, prefix, revision);
        ImmutableSortedDictionary<string, StoredSecret> all = revision == 0 ? SpaceSecrets.None(before.Space).All : before.All;
        all = all.SetItems(changed.Select(Read));
        if (all.Count != StoreReads.Count(view, prefix))   // some were dropped, and what is dropped is in no range
            all = SpaceSecrets.None(before.Space).All.SetItems(StoreReads.All(view, prefix).Select(Read));
        else if (changed.Count == 0)
            return before;
        return new SpaceSecrets(before.Space, before.Keys, all);

        KeyValuePair<string, StoredSecret> Read(KeyValue kv)
        {
            string name = kv.Key.ToStringUtf8()[prefix.Length..];
            SealedSecret record = SealedSecret.TryParse(kv.Value.Span) ?? throw new ConfigDamagedException($"The record of secret {name} in space {before.Space} cannot be read.");
            return KeyValuePair.Create(name, new StoredSecret(record, kv.CreateRevision, kv.ModRevision));
        }
    }

    /// <summary>Inputs with the versions of these secrets. A rotation leaves versions, and with them the hashes of documents, as they are.</summary>
    public static ResolutionInputs Versions(SpaceSecrets secrets, ResolutionInputs inputs) =>
        inputs.WithSecrets(secrets.All.Select(s => KeyValuePair.Create(s.Key, s.Value.VersionText)));
}
