using System.Collections.Immutable;

namespace Conclave.Layers.Rendering;

/// <summary>A file's text, or why it cannot be written.</summary>
/// <param name="Text">The whole file; null with problems, since half a file is worse than the old one.</param>
/// <param name="Problems">One for each key that the format cannot hold.</param>
public sealed record Rendered(string? Text, ImmutableArray<ConfigProblem> Problems)
{
    internal static Rendered Of(string text, List<ConfigProblem> problems) => problems.Count == 0 ? new(text, []) : new(null, [.. problems]);
}

/// <summary>What a renderer needs.</summary>
/// <param name="Document">The effective document. One with problems is not rendered.</param>
/// <param name="SchemaOf">Schemas, which choose encodings.</param>
/// <param name="Fill">Gives secrets (and live members) for references; null when there is none.</param>
public sealed record RenderSource(EffectiveDocument Document, Func<string, KeySchema> SchemaOf, Func<Reference, Value?> Fill)
{
    /// <summary>Values with everything filled in, in order of keys; problems for those that cannot be.</summary>
    internal List<(string Key, Value Value)> Filled(List<ConfigProblem> problems)
    {
        problems.AddRange(Document.Problems);
        var values = new List<(string, Value)>();
        foreach (EffectiveEntry entry in Document.Entries)
        {
            Reference? missing = null;
            Value value = entry.IsPending ? PendingValue.Fill(entry.Value, Fill, out missing) : entry.Value;
            if (missing is not null)
                problems.Add(Problem(entry.Key, missing.Kind == ReferenceKind.Program
                    ? $"{missing} is for the program to follow, and this format has no way to write it. Use a reference of ours (%{{key:...}})"
                    : $"{missing} has no value here. Create it, or let this node read it"));
            else
                values.Add((entry.Key, value));
        }
        return values;
    }

    internal ConfigProblem Problem(string key, string what) => new(ProblemCodes.Format, $"{Document.Document}{(key.Length > 0 ? " " + key : "")}: {what}.") { Document = Document.Document, Key = key };

    /// <summary>"section/option": what stands before the last slash, and after it. Without a slash the section is "".</summary>
    internal static (string Section, string Option) Split(string key) => key.LastIndexOf('/') is > 0 and int at ? (key[..at], key[(at + 1)..]) : ("", key);
}
