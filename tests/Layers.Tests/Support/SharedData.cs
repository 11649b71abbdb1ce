namespace Conclave.Layers.Tests.Support;

/// <summary>Real input that is not part of the repository: <c>shared/data</c> in a directory above it.</summary>
internal static class SharedData
{
    /// <param name="relative">A path below <c>shared/data</c>.</param>
    /// <returns>Its full path; the test is skipped when there is none.</returns>
    public static string Require(string relative)
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, "shared", "data", relative);
            if (File.Exists(path) || Directory.Exists(path))
                return path;
        }
        Assert.Skip($"shared/data/{relative} is in no directory above {AppContext.BaseDirectory}. This test reads real data that is kept outside the repository.");
        return "";
    }
}
