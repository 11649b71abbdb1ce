using System.Globalization;
using System.Text;
using Conclave.Client;

namespace Conclave.Cli.Output;

/// <summary>Shows keys and values as text that is safe on a terminal.</summary>
internal static class Display
{
    /// <summary>
    /// One line, and exact: what is not printable, and the backslash, is written as <c>\n \r \t \\</c> or <c>\xHH</c> per byte.
    /// Printable text of any language stays as it is.
    /// </summary>
    public static string Line(Bytes bytes) => Escape(bytes, keepLayout: false);

    /// <summary>For reading: line breaks and tabs stay, and everything that could upset a terminal is written as <c>\xHH</c>.</summary>
    public static string Block(Bytes bytes) => Escape(bytes, keepLayout: true);

    /// <summary>Ids of members, clusters and leases: sixteen hexadecimal digits for leases as etcdctl writes them, as many as needed for the others.</summary>
    public static string Id(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);

    /// <inheritdoc cref="Id(ulong)"/>
    public static string Lease(long id) => id.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Bytes as people count them.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.##} GiB"),
    };

    private static string Escape(Bytes bytes, bool keepLayout)
    {
        StringBuilder text = new(bytes.Length);
        ReadOnlySpan<byte> rest = bytes.Span;
        while (!rest.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf8(rest, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done;
            if (isText && IsPlain(rune, keepLayout)) text.Append(rune.ToString());
            else if (isText && !keepLayout && Short(rune) is { } letter) text.Append('\\').Append(letter);
            else
            {
                foreach (byte b in rest[..consumed]) text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
            }

            rest = rest[consumed..];
        }

        return text.ToString();
    }

    private static bool IsPlain(Rune rune, bool keepLayout) => rune.Value switch
    {
        '\n' or '\t' or '\\' => keepLayout,
        _ => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate),
    };

    private static char? Short(Rune rune) => rune.Value switch
    {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\\' => '\\',
        _ => null,
    };
}
