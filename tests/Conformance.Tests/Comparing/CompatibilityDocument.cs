using System.Text;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>docs/compatibility.md: the table of known differences between two markers, so that what is read is what is checked.</summary>
internal static class CompatibilityDocument
{
    private const string Begin = "<!-- differences: written by tests/Conformance.Tests -->", End = "<!-- end of differences -->";

    public static string Path => System.IO.Path.Combine(Recording.Root, "docs/compatibility.md");

    /// <summary>The document with the table as it is now.</summary>
    /// <exception cref="FormatException">The markers are not there.</exception>
    public static string Renewed(string document)
    {
        int begin = document.IndexOf(Begin, StringComparison.Ordinal), end = document.IndexOf(End, StringComparison.Ordinal);
        return begin >= 0 && end > begin ? document[..(begin + Begin.Length)] + Table() + document[end..]
            : throw new FormatException($"docs/compatibility.md needs the lines '{Begin}' and '{End}' around its table.");
    }

    private static string Table()
    {
        var table = new StringBuilder("\n");
        foreach ((string heading, IReadOnlyList<KnownDifference> differences) in KnownDifferences.Sections)
        {
            table.Append($"\n### {heading}\n\n| Difference | Why | Cases |\n|---|---|---|\n");
            foreach (KnownDifference one in differences)
                table.Append($"| {one.What}. | {one.Why} | {string.Join(", ", one.Where.Select(KnownDifference.GroupOf).Distinct().Select(group => $"`{group}`"))} |\n");
        }
        return table.Append('\n').ToString();
    }
}
