using System.Collections.Immutable;
using System.Security.Cryptography;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Secrets in changes and in what is shown of them.</content>
internal sealed partial class ConfigService
{
    /// <summary>Takes secrets in clear out of a change, and looks whether what it refers to is there.</summary>
    /// <param name="now">The state before.</param>
    /// <param name="edits">The change.</param>
    /// <param name="author">Of what is sealed now.</param>
    /// <param name="owner">Who wrote the draft that it was until now, and so what was sealed for that; null for no draft.</param>
    private static SecretPart SealedOn(SpaceSnapshot now, ImmutableArray<Edit> edits, string author, string? owner = null)
    {
        SealedChange change = EntrySealing.Seal(now, edits, author, Now(), RandomNumberGenerator.Fill);
        SpaceSecrets all = now.Secrets.With(change.Made);
        return new(change.Edits, change.Made, [.. change.Problems, .. SecretUses.Missing(all, now.State, change.Edits).Take(Limits.ProblemsMax)], SecretUses.BroughtIn(now.State, edits, n => owner is not null && now.Secrets.All.TryGetValue(n, out StoredSecret? secret) && secret.Record.Author == owner));
    }

    private static IEnumerable<ConfigProblem> FingerprintsIn(IEnumerable<Edit> edits) => edits.OfType<EntryEdit>().Where(e => e.Entry is { } entry && SpaceSecrets.HasFingerprint(entry.Value))
        .Select(e => new ConfigProblem(ProblemCodes.Schema, $"{e.Document} {e.Key}: the value is what a secret is shown as. Write the secret itself, or leave the entry out.") { Document = e.Document, Key = e.Key });

    /// <summary>Into the log entry of a release or draft: secrets that it makes; and that those it refers to are still there.</summary>
    private static void AddSecrets(TxnRequest txn, string space, SecretPart secrets, IEnumerable<Edit> edits)
    {
        foreach (string name in SecretUses.In(edits))
        {
            if (secrets.Made.TryGetValue(name, out SealedSecret? made))
            {
                txn.Compare.Add(Missing(ConfigKeys.Secret(space, name)));
                txn.Success.Add(Put(ConfigKeys.Secret(space, name), UnsafeByteOperations.UnsafeWrap(made.ToBytes())));
            }
            else
            {
                txn.Compare.Add(new Compare { Key = Text(ConfigKeys.Secret(space, name)), Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Greater, CreateRevision = 0 });
            }
        }
    }

    private static string ShownEffective(SpaceSnapshot at, string document, string key, Value value, bool isPending) => Shown.Effective(at, document, key, value, ref isPending).ToString();

    /// <summary>Keys that have no value since a secret was dropped.</summary>
    private static IEnumerable<ConfigProblem> MissingSecrets(EffectiveDocument document) => document.Entries.Where(e => e.IsPending && SecretReferences.HasUnknown(e.Value))
        .Select(e => new ConfigProblem(ProblemCodes.Reference, $"{document.Document} {e.Key} refers to a secret that was dropped.") { Document = document.Document, Key = e.Key });

    /// <summary>An entry's value with what was sealed when it was published written out again; other references stay.</summary>
    /// <exception cref="SecretUnavailableException">This member cannot open it.</exception>
    private static Value WithSealedInClear(SpaceSnapshot at, Value value) =>
        SecretReferences.Fill(value, r => SecretReferences.NameOf(r) is var name && SecretNames.IsOfEntry(name) ? at.Secrets.Open(name) : null);

    private static V1.ReleaseInfo OnlyReadable(V1.ReleaseInfo info, Func<string, bool> mayRead)
    {
        string[] named = [.. info.Documents.Where(mayRead)];
        info.Documents.Clear();
        info.Documents.AddRange(named);
        return info;
    }
}
