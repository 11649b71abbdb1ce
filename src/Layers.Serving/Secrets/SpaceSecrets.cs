using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>A secret of the store.</summary>
/// <param name="Record">What is stored.</param>
/// <param name="CreateRevision">Where the name was first written: a name that is dropped and written again is another secret.</param>
/// <param name="ModRevision">Where it was written last.</param>
public sealed record StoredSecret(SealedSecret Record, long CreateRevision, long ModRevision)
{
    /// <summary>Another one for each write of the value, and the same after a rotation.</summary>
    public string VersionText => string.Create(CultureInfo.InvariantCulture, $"{CreateRevision}.{Record.Version}");
}

/// <summary>All secrets of a space at one moment, and the keys that this member has. Immutable for its users.</summary>
public sealed partial class SpaceSecrets
{
    private const string Opening = "<secret";

    private readonly ConcurrentDictionary<string, Value> _opened = new(StringComparer.Ordinal);

    public SpaceSecrets(string space, SecretKeyRing? keys, ImmutableSortedDictionary<string, StoredSecret> all)
    {
        (Space, Keys, All) = (space, keys, all);
    }

    public string Space { get; }

    /// <summary>Null when this member was given none.</summary>
    public SecretKeyRing? Keys { get; }

    /// <summary>By name.</summary>
    public ImmutableSortedDictionary<string, StoredSecret> All { get; }

    public static SpaceSecrets None(string space, SecretKeyRing? keys = null) => new(space, keys, ImmutableSortedDictionary.Create<string, StoredSecret>(StringComparer.Ordinal));

    /// <summary>With some that are about to be written.</summary>
    public SpaceSecrets With(IEnumerable<KeyValuePair<string, SealedSecret>> made) => new(Space, Keys, All.SetItems(made.Select(m => KeyValuePair.Create(m.Key, new StoredSecret(m.Value, 0, 0)))));

    /// <summary>The secret in clear.</summary>
    /// <returns>Null when there is none of that name.</returns>
    /// <exception cref="SecretUnavailableException">This member cannot open it.</exception>
    public Value? Open(string name)
    {
        if (!All.TryGetValue(name, out StoredSecret? secret)) return null;
        if (_opened.TryGetValue(name, out Value? known)) return known;
        if (Keys is null)
            throw new SecretUnavailableException($"this member has no keys for secrets, and secret {name} is needed. Start it with --secrets-key-file, as the other members; or ask one of them");
        if (!Keys.Has(secret.Record.KeyId.AsSpan()))
            throw new SecretUnavailableException($"secret {name} is sealed with key {secret.Record.KeyIdText}, which this member does not have. Add that key to the file of --secrets-key-file and start the member again; or ask another member");
        Value opened = Sealing.Open(Keys, new(Space, name), secret.Record)
            ?? throw new SecretUnavailableException($"secret {name} is damaged: it is not what was sealed under this name. Write it again with conclave secret set");
        return _opened.GetOrAdd(name, opened);
    }

    /// <summary>An effective value with its secrets in it.</summary>
    /// <param name="template">A value that is pending.</param>
    /// <param name="isPending">True when references for the program itself are left: then it is still a template.</param>
    /// <exception cref="SecretUnavailableException">This member cannot open one.</exception>
    public Value Reveal(Value template, out bool isPending) => Filled(template, r => Open(SecretReferences.NameOf(r)), out isPending);

    /// <summary>An effective value with fingerprints in the place of secrets.</summary>
    public Value Conceal(Value template, out bool isPending) => Filled(template, r => Layers.Value.Of(Mark(FingerprintOf(SecretReferences.NameOf(r)))), out isPending);

    /// <summary>What stands in the place of a value that must not be shown: equal for equal values, where this can be known.</summary>
    public Value Hide(Value value)
    {
        if (SecretReferences.Whole(value) is { } whole) return Layers.Value.Of(Mark(FingerprintOf(whole)));
        if (SecretReferences.HasLiteral(value) && !SecretReferences.HasAny(value))   // written before secrets were sealed
            return Layers.Value.Of(Mark(Keys?.Fingerprints(Space, value.ToString()).First() is { } mark ? Convert.ToHexStringLower(mark) : null));
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(Conceal(value, out _).ToString()));
        return Layers.Value.Of(Mark(Convert.ToHexStringLower(hash.AsSpan(0, SecretKeyRing.FingerprintBytes))));
    }

    /// <summary>Whether a value is, or has in it, what a secret is shown as: nobody is to write a fingerprint where a secret was.</summary>
    public static bool HasFingerprint(Value value) => value.Kind switch
    {
        ValueKind.String => Fingerprint().IsMatch(value.AsString),
        ValueKind.List => value.Elements.Any(HasFingerprint),
        ValueKind.Map => value.Members.Any(m => HasFingerprint(m.Value)),
        _ => false,
    };

    private string? FingerprintOf(string name) => All.TryGetValue(name, out StoredSecret? secret) ? secret.Record.FingerprintText : null;

    private static string Mark(string? fingerprint) => fingerprint is null ? Opening + ">" : $"{Opening} {fingerprint}>";

    private static Value Filled(Value template, Func<Reference, Value?> open, out bool isPending)
    {
        Value filled = SecretReferences.Fill(template, open);
        isPending = SecretReferences.HasReference(filled);
        return isPending ? filled : SecretReferences.Unescape(filled);
    }

    [GeneratedRegex("<secret( [0-9a-f]{8})?>", RegexOptions.CultureInvariant)]
    private static partial Regex Fingerprint();
}

/// <summary>A secret is there, and this member cannot open it.</summary>
public sealed class SecretUnavailableException(string message) : Exception(message);
