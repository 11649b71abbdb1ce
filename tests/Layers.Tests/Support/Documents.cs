using Conclave.Layers.Rendering;

namespace Conclave.Layers.Tests.Support;

/// <summary>Effective documents for tests of renderers.</summary>
internal static class Documents
{
    public static EffectiveDocument Of(params IEnumerable<(string Key, Value Value)> entries) =>
        new("doc", 1, [.. entries.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => new EffectiveEntry(e.Key, e.Value, false))], []);

    public static RenderSource Source(EffectiveDocument document, IReadOnlyDictionary<string, KeySchema>? schemas = null) =>
        new(document, key => schemas is not null && schemas.TryGetValue(key, out KeySchema? schema) ? schema : KeySchema.Default, _ => null);

    /// <summary>A text out of pieces that formats trip over.</summary>
    public static string Tricky(Random random) => string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static readonly string[] Pieces =
        ["a", "B7", " ", "\"", "'", "$", "$$", "\\", "\\$", "${x}", "$my_ip", "#", ";", "=", ":", ",", "\n", "\t", "%", "%{", "%%", "[", "]", "{", "}", "é", "日本", "😀", "\u00a0", "\u001c", "\u2028", "true", "0", "null", "~", "|", "&", "*", "!", "@", "`", "<", "-", "?", "\r", "\u0001", "//", "1e5", "."];
}
