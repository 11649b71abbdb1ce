namespace Conclave.Node.Http.Port;

/// <summary>
/// What some of etcd's clients send as their <c>:authority</c> in place of a host, and what to make of it: clientv3 3.4 sends
/// the URL of a single endpoint (<c>http://127.0.0.1:2379</c>), 3.5.0 the list it started with (<c>#initially=[127.0.0.1:2379]</c>).
/// </summary>
internal static class HostText
{
    /// <returns>True for text in one of the known wrong forms.</returns>
    public static bool IsKnownWrong(ReadOnlySpan<byte> text) =>
        text.StartsWith("http://"u8) || text.StartsWith("https://"u8) || text.StartsWith("#initially=["u8);

    /// <returns>Where the colon before the port is; -1 when no port ends the text.</returns>
    public static int PortColon(ReadOnlySpan<byte> text)
    {
        int colon = text.LastIndexOf((byte)':');
        return colon >= 0 && colon < text.Length - 1 && !text[(colon + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9') ? colon : -1;
    }

    /// <returns>True when a character may stay where it is. One colon may, the one before the port.</returns>
    public static bool MayStay(byte character, int at, int portColon) =>
        char.IsAsciiLetterOrDigit((char)character) || "-._~!$&'()"u8.Contains(character) || at == portColon;

    /// <summary>What takes the place of a character whose Huffman code has this many bits: a host's characters of as many bits together.</summary>
    /// <returns>Empty for the length of which all characters may stay.</returns>
    public static ReadOnlySpan<byte> Substitute(int huffmanBits) => huffmanBits switch
    {
        6 => "-"u8,
        7 => "B"u8,
        8 => "X"u8,
        10 => "!"u8,
        11 => "'"u8,
        12 => "--"u8,
        13 => "~"u8,
        14 => "BB"u8,
        15 => "000"u8,
        _ => default,
    };
}
