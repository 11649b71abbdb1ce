using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>A change without secrets in clear.</summary>
/// <param name="Edits">As they were, but literal values of secret keys are references; and entries that become secret are among them.</param>
/// <param name="Made">Secrets that have to be written with it, by name.</param>
/// <param name="Problems">What could not be sealed, and what the author should know.</param>
public sealed record SealedChange(ImmutableArray<Edit> Edits, ImmutableSortedDictionary<string, SealedSecret> Made, ImmutableArray<ConfigProblem> Problems);

/// <summary>Takes literal values of secret keys out of a change and seals them, before anything of it is stored.</summary>
/// <remarks>A literal that a scope of the same key has already keeps its secret: so what is set to what it was is no change, and equal values are equal to the checks.</remarks>
public sealed class EntrySealing
{
    private readonly SpaceSnapshot _now;
    private readonly string _author;
    private readonly long _timeUnixMs;
    private readonly RandomFill _random;
    private readonly Dictionary<KeyAddress, KeySchema?> _schemas = [];
    private readonly Dictionary<KeyAddress, Dictionary<string, List<(string Name, Value Value)>>> _known = [];
    private readonly Dictionary<string, SealedSecret> _made = new(StringComparer.Ordinal);
    private readonly List<ConfigProblem> _problems = [];

    private EntrySealing(SpaceSnapshot now, string author, long timeUnixMs, RandomFill random)
    {
        (_now, _author, _timeUnixMs, _random) = (now, author, timeUnixMs, random);
    }

    public static SealedChange Seal(SpaceSnapshot now, ImmutableArray<Edit> edits, string author, long timeUnixMs, RandomFill random) =>
        new EntrySealing(now, author, timeUnixMs, random).Run(edits);

    private SealedChange Run(ImmutableArray<Edit> edits)
    {
        foreach (SchemaEdit schema in edits.OfType<SchemaEdit>()) _schemas[new(schema.Document, schema.Key)] = schema.Schema;
        var changed = ImmutableArray.CreateBuilder<Edit>(edits.Length);
        foreach (Edit edit in edits) changed.Add(edit is EntryEdit { Entry: not null } entry ? Sealed(entry) : edit);
        changed.AddRange(Overtaken(edits));
        return new(_made.Count == 0 && changed.Count == edits.Length ? Unchanged(edits, changed) : changed.ToImmutable(), _made.ToImmutableSortedDictionary(StringComparer.Ordinal), [.. _problems.Take(Limits.ProblemsMax)]);
    }

    /// <summary>The same object where nothing was put in another's place.</summary>
    private static ImmutableArray<Edit> Unchanged(ImmutableArray<Edit> edits, ImmutableArray<Edit>.Builder changed)
    {
        for (int i = 0; i < edits.Length; i++)
        {
            if (!ReferenceEquals(edits[i], changed[i])) return changed.ToImmutable();
        }

        return edits;
    }

    private KeySchema SchemaOf(string document, string key) =>
        (_schemas.TryGetValue(new(document, key), out KeySchema? edited) ? edited : _now.State.Document(document).SchemaOf(key)) ?? KeySchema.Default;

    /// <summary>Entries that nobody edits, of keys whose schema calls them secret from now on.</summary>
    private IEnumerable<Edit> Overtaken(ImmutableArray<Edit> edits)
    {
        if (!_schemas.Any(s => s.Value is { Secret: true })) yield break;
        HashSet<object> edited = [.. edits.OfType<EntryEdit>().Select(e => e.Address)];
        foreach (((string document, string key), KeySchema? schema) in _schemas.Select(s => ((s.Key.Document, s.Key.Key), s.Value)))
        {
            if (schema is not { Secret: true }) continue;
            bool inHistory = false;
            foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in _now.State.Document(document).Scopes)
            {
                if (!entries.TryGetValue(key, out Entry? entry) || !SecretReferences.HasLiteral(entry.Value)) continue;
                inHistory = true;
                var edit = new EntryEdit(document, scope, key, entry with { Release = 0 });
                if (!edited.Contains(edit.Address)) yield return Sealed(edit);
            }

            if (inHistory)
            {
                _problems.Add(new(ProblemCodes.SecretInHistory, $"{document} {key} becomes secret; releases until r{_now.Release} keep its values in clear, and so do backups. Change the secret itself, too.") { Document = document, Key = key });
            }
        }
    }

    private EntryEdit Sealed(EntryEdit edit)
    {
        KeySchema schema = SchemaOf(edit.Document, edit.Key);
        if (!schema.Secret || edit.Entry is not { Op: not EntryOp.Unset } entry) return edit;
        if (SecretReferences.TemplateProblem(entry.Value) is { } template) return Refuse(ProblemCodes.Schema, template);
        if (!SecretReferences.HasLiteral(entry.Value)) return edit;
        if (SchemaChecks.Problem(schema, entry) is { } problem) return Refuse(ProblemCodes.Schema, problem);
        if (_now.Secrets.Keys is not { } keys)
            return Refuse(ProblemCodes.Secret, "the key is secret, and this member has no key to seal its value with. Make one with conclave keygen secrets FILE and start every member with --secrets-key-file FILE");
        bool byElement = schema.Merge != MergeKind.Replace || entry.Op is EntryOp.Append or EntryOp.Remove;
        bool tooLong = false;
        Value value = SecretReferences.ReplaceLiterals(entry.Value, byElement, literal =>
        {
            tooLong |= Encoding.UTF8.GetByteCount(literal.ToString()) > SealedSecret.ValueBytesMax;
            return tooLong ? "too-long" : NameFor(keys, edit, literal);
        });
        return tooLong ? Refuse(ProblemCodes.Limit, $"a secret value has at most {SealedSecret.ValueBytesMax:N0} bytes as JSON") : edit with { Entry = entry with { Value = value } };

        EntryEdit Refuse(string code, string what)
        {
            _problems.Add(new(code, $"{edit.Document} {edit.Key} at {_now.State.Dimensions.TextOf(edit.Scope)}: {what}.") { Document = edit.Document, Key = edit.Key });
            return edit with { Entry = entry with { Value = Value.Null } };   // nothing that is refused is looked at, or shown, any further
        }
    }

    private string NameFor(SecretKeyRing keys, EntryEdit edit, Value literal)
    {
        Dictionary<string, List<(string Name, Value Value)>> known = KnownOf(new(edit.Document, edit.Key));
        string[] marks = [.. keys.Fingerprints(_now.Space, literal.ToString()).Select(Convert.ToHexStringLower)];
        foreach (string mark in marks)
        {
            if (known.TryGetValue(mark, out List<(string Name, Value Value)>? alike) && alike.FirstOrDefault(a => Opened(a.Name, a.Value).Equals(literal)).Name is { } there) return there;
        }

        string name = SecretNames.ForEntry(edit.Document, _now.State.Dimensions.TextOf(edit.Scope), edit.Key, _random);
        _made[name] = Sealing.Seal(keys, new(_now.Space, name), version: 1, literal, _author, _timeUnixMs, _random);
        if (!known.TryGetValue(marks[0], out List<(string Name, Value Value)>? list)) known[marks[0]] = list = [];
        list.Add((name, literal));
        return name;
    }

    /// <summary>Secrets that entries of the key have now, in any scope, by fingerprint. Values are opened when they are looked at.</summary>
    private Dictionary<string, List<(string Name, Value Value)>> KnownOf(KeyAddress key)
    {
        if (_known.TryGetValue(key, out Dictionary<string, List<(string Name, Value Value)>>? known)) return known;
        _known[key] = known = new(StringComparer.Ordinal);
        foreach (ImmutableSortedDictionary<string, Entry> entries in _now.State.Document(key.Document).Scopes.Values)
        {
            if (!entries.TryGetValue(key.Key, out Entry? entry) || !entry.Value.HasTemplate) continue;
            foreach (string name in SecretReferences.NamesIn(entry.Value).Where(n => SecretNames.IsOfKey(n, key.Document, key.Key)))
            {
                if (!_now.Secrets.All.TryGetValue(name, out StoredSecret? stored)) continue;
                if (!known.TryGetValue(stored.Record.FingerprintText, out List<(string Name, Value Value)>? list)) known[stored.Record.FingerprintText] = list = [];
                if (!list.Any(l => l.Name == name)) list.Add((name, Value.Null));
            }
        }

        return known;
    }

    private Value Opened(string name, Value made)
    {
        if (_made.ContainsKey(name)) return made;
        try
        {
            return _now.Secrets.Open(name) ?? Value.Null;
        }
        catch (SecretUnavailableException)
        {
            return Value.Null;   // under a key that is not here: then the value gets a secret of its own. Null itself is never sealed
        }
    }
}
