using System.Text;
using System.Text.Json;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>A real configuration: every option of OpenStack Nova with its default, from <c>shared/data/nova</c> beside the checkout.</summary>
internal static class NovaOptions
{
    public const string Prefix = "/config/nova/";

    /// <summary>Path below the directory that holds the shared data; looked for from the repository's root upwards.</summary>
    private const string RelativePath = "shared/data/nova/nova-options.json";

    /// <returns>Keys <c>/config/nova/GROUP/OPTION</c> with their defaults as JSON, in key order.</returns>
    public static SortedDictionary<string, string> Load()
    {
        string? path = Find();
        Assert.SkipWhen(path is null, $"{RelativePath} is in no directory above {ServerBinary.RepositoryRoot()}.");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty group in document.RootElement.GetProperty("options").EnumerateObject())
        {
            foreach (JsonElement option in group.Value.GetProperty("opts").EnumerateArray())
                options[$"{Prefix}{group.Name}/{option.GetProperty("dest").GetString()}"] = option.GetProperty("default").GetRawText();
        }
        return options;
    }

    public static string Decode(JsonElement base64) => Encoding.UTF8.GetString(base64.GetBytesFromBase64());

    private static string? Find()
    {
        for (DirectoryInfo? at = ServerBinary.RepositoryRoot() is { } root ? new(root) : null; at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, RelativePath);
            if (File.Exists(path))
                return path;
        }
        return null;
    }
}
