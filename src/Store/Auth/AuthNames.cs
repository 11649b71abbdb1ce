using System.Text;
using System.Text.Unicode;

namespace Conclave.Store;

/// <summary>Names of users and roles.</summary>
public static class AuthNames
{
    /// <summary>By the bytes of their UTF-8, as etcd lists them. UTF-16 would put what is beyond U+FFFF before U+E000.</summary>
    public static Comparer<string> Order { get; } = Comparer<string>.Create(Compare);

    internal static bool TryRead(ReadOnlySpan<byte> utf8, out string name)
    {
        bool isText = Utf8.IsValid(utf8);
        name = isText ? Encoding.UTF8.GetString(utf8) : "";
        return isText;
    }

    private static int Compare(string a, string b)
    {
        int common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
            return a.Length.CompareTo(b.Length);
        return Rank(a[common]).CompareTo(Rank(b[common]));
    }

    // Surrogates stand for what comes after all other characters.
    private static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
}
