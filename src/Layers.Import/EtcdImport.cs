using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers.Import;

/// <summary>One key of an etcd.</summary>
/// <param name="Key">All of it, with the prefix.</param>
/// <param name="Value">Its bytes.</param>
/// <param name="HasLease">Whether it lives only as long as somebody renews it.</param>
public readonly record struct EtcdItem(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, bool HasLease);

/// <summary>A directory of an etcd as entries of one document and one scope.</summary>
/// <remarks>
/// <code>
/// prefix /config/nova    /config/nova/DEFAULT/debug = true      key DEFAULT/debug, "true" (with JSON values true)
/// </code>
/// A value is taken literally: what looks like a reference in it is escaped.
/// </remarks>
public static class EtcdImport
{
    private const int CheckedAtOnce = 500;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The keys of a directory begin so: the prefix with one slash behind it, or "" for all keys.</summary>
    public static string DirectoryOf(string prefix) => prefix.Length == 0 || prefix.EndsWith('/') ? prefix : prefix + "/";

    /// <param name="items">Keys of the directory.</param>
    /// <param name="prefix">The directory; it is cut off.</param>
    /// <param name="document">Where the entries go.</param>
    /// <param name="scope">For which nodes.</param>
    /// <param name="json">Values are JSON; else they are text, whatever they look like.</param>
    public static ImportResult Run(IEnumerable<EtcdItem> items, string prefix, string document, Scope scope, bool json)
    {
        string directory = DirectoryOf(prefix);
        var edits = ImmutableArray.CreateBuilder<Edit>();
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        foreach (EtcdItem item in items)
        {
            if (TextOf(item.Key) is not { } name || !name.StartsWith(directory, StringComparison.Ordinal))
            {
                problems.Add(new(ProblemCodes.Import, $"The key {Shown(item.Key)} is no UTF-8 text, or not below {directory}. Rename it, or import another prefix."));
                continue;
            }

            string key = name[directory.Length..];
            if (item.HasLease) problems.Add(new(ProblemCodes.Skipped, $"{name} has a lease, so it says who is there, not how something is configured; it is left out.") { Key = key });
            else if (key.Length == 0 || key.StartsWith('/') || key.EndsWith('/') || key.Contains("//", StringComparison.Ordinal))
                problems.Add(new(ProblemCodes.Import, $"{name} has an empty part, so it is no section/option. Rename it.") { Key = key });
            else if (TextOf(item.Value) is not { } text)
                problems.Add(new(ProblemCodes.Import, $"{name}: the value is no UTF-8 text. Encode it as base64.") { Key = key });
            else if (!json) edits.Add(Edit(key, Value.Of(text)));
            else if (ValueJson.TryParse(text, out Value? value, out string problem)) edits.Add(Edit(key, value));
            else problems.Add(new(ProblemCodes.Import, $"{name}: the value is no JSON: {problem}") { Key = key });
        }

        // The library's own checks of names and sizes, before anything is published: a large import is several releases, and none of them must be the first.
        foreach (Edit[] some in edits.Chunk(CheckedAtOnce))
        {
            Plan plan = Fleet.Of(ConfigState.Initial).Plan(new Change(0, [.. some.Cast<EntryEdit>().Select(e => e with { Scope = Scope.Everything })]), new ReleaseNote { Author = "import", Reason = "import" });
            problems.AddRange(plan.Problems.Where(p => p.IsError));
        }

        return new ImportResult(edits.ToImmutable(), problems.ToImmutable());

        EntryEdit Edit(string key, Value value) => new(document, scope, key, Entry.Set(Template.Escape(value)));
    }

    private static string? TextOf(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes.Span);
        }
        catch (DecoderFallbackException)
        {
            return null;   // no text
        }
    }

    private static string Shown(ReadOnlyMemory<byte> key) => $"\"{Encoding.Latin1.GetString(key.Span.Length > 80 ? key.Span[..80] : key.Span)}\"".Replace('\n', ' ');
}
