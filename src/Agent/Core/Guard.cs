using System.Collections.Immutable;
using System.Globalization;

namespace Conclave.Agent;

/// <summary>Keeps a document that lost its content from reaching a file: an empty answer is far more often a mistake than a wish.</summary>
public static class Guard
{
    /// <param name="before">What is applied; null when nothing is.</param>
    /// <param name="now">What is to be applied.</param>
    /// <param name="shrinkMax">The largest part of the keys that may go, 0 to 1.</param>
    /// <returns>Why not, or null.</returns>
    public static string? Refusal(AgentDocument? before, AgentDocument now, double shrinkMax)
    {
        if (now.AllowShrink) return null;
        if (now.Items.IsEmpty) return $"{now.Name} r{now.Release} is empty{(before is null ? ": nobody has said anything of it for this node. Correct the name, set something, or publish" : ". Publish")} with allow-shrink if that is meant.";
        if (before is null || before.Items.IsEmpty) return null;
        int gone = before.Items.Keys.Count(k => !now.Items.ContainsKey(k));
        return gone <= shrinkMax * before.Items.Count ? null
            : string.Create(CultureInfo.InvariantCulture, $"{now.Name} r{now.Release} has lost {gone} of {before.Items.Count} keys, and max_shrink is {shrinkMax:P0}. Publish with allow-shrink if that is meant.");
    }
}

/// <summary>Takes secrets out of texts that leave the agent.</summary>
public static class Masking
{
    /// <summary>Shorter texts would make holes in every message, and are no secrets.</summary>
    private const int LengthMin = 3;

    public const string Mask = "<secret>";

    public static string Hide(string text, IEnumerable<string> secrets)
    {
        // Longest first, so that a secret that is a part of another does not leave the rest of that.
        foreach (string secret in secrets.SelectMany(Forms).Where(s => s.Length >= LengthMin).Distinct(StringComparer.Ordinal).OrderByDescending(s => s.Length))
            text = text.Replace(secret, Mask, StringComparison.Ordinal);
        return text;
    }

    public static IEnumerable<string> SecretsOf(params ReadOnlySpan<GroupVersion?> versions)
    {
        var all = ImmutableArray.CreateBuilder<string>();
        foreach (GroupVersion? version in versions)
        {
            if (version is not null) all.AddRange(version.Documents.SelectMany(d => d.Secrets));
        }

        return all;
    }

    // As it stands, and as the formats escape it; each line by itself, since tools print lines.
    private static IEnumerable<string> Forms(string secret)
    {
        yield return secret;
        yield return secret.Replace("$", "$$", StringComparison.Ordinal);
        yield return secret.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        if (!secret.Contains('\n', StringComparison.Ordinal)) yield break;
        foreach (string line in secret.Split('\n')) yield return line.Trim();
    }
}
