using System.Reflection;

namespace Conclave.Fuzz.Engine;

/// <summary>Inputs that once found something, by target: the files of <c>Corpus/TARGET/</c>, built into the program.</summary>
internal static class Regressions
{
    private const string Folder = "Conclave.Fuzz.Corpus.";

    public static IEnumerable<byte[]> Of(string target)
    {
        Assembly assembly = typeof(Regressions).Assembly;
        string start = Folder + target.Replace('-', '_') + ".";
        foreach (string name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(start, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using Stream file = assembly.GetManifestResourceStream(name)!;   // not null: it is one of the names
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            yield return bytes;
        }
    }
}
