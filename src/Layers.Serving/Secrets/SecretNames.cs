using System.Security.Cryptography;
using System.Text;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>Names of secrets: those that people give, and those of values that were sealed when they were published.</summary>
public static class SecretNames
{
    public const int CharsMax = 128;

    private const string EntryPrefix = "entry/";
    private const int PartCharsMax = 100, RandomBytes = 8;

    /// <summary>1 to 128 of letters, digits, dot, dash, underscore and slash; no empty part between slashes. <c>entry/</c> is for values that are sealed when they are published.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= CharsMax && !IsOfEntry(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/')
        && name.Split('/').All(part => part.Length > 0);

    /// <summary>Whether it is the value of an entry that was sealed when it was published.</summary>
    public static bool IsOfEntry(string name) => name.StartsWith(EntryPrefix, StringComparison.Ordinal);

    /// <summary>A new name for a literal value of an entry.</summary>
    public static string ForEntry(string document, string scope, string key, RandomFill random)
    {
        Span<byte> bytes = stackalloc byte[RandomBytes];
        random(bytes);
        return $"{EntryPrefix}{Part(document)}/{Part(scope)}/{Part(key)}/{Convert.ToHexStringLower(bytes)}";
    }

    /// <summary>Whether it was made for this key, in whatever scope.</summary>
    public static bool IsOfKey(string name, string document, string key) =>
        name.Split('/') is ["entry", var ofDocument, _, var ofKey, _] && ofDocument == Part(document) && ofKey == Part(key);

    /// <summary>One part of a name: what has a meaning in references and keys is written as ~ and hex digits, and what is very long is cut and told apart by a hash.</summary>
    private static string Part(string text)
    {
        var part = new StringBuilder(text.Length);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || (char)b is '.' or '-' or '_' or '*' or '=' or ';') part.Append((char)b);
            else part.Append('~').Append(b.ToString("x2", null));
        }

        return part.Length <= PartCharsMax ? part.ToString() : $"{part.ToString(0, PartCharsMax)}~~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8))}";
    }
}
