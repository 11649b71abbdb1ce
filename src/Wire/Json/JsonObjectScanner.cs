namespace Conclave.Wire.Json;

/// <summary>What <see cref="JsonObjectScanner.Scan"/> found.</summary>
public enum JsonScanStatus
{
    /// <summary>All bytes were looked at and the object goes on, or none has begun.</summary>
    NeedMore,

    /// <summary>The object ends at the given length.</summary>
    Done,

    /// <summary>What stands where an object should begin is something else.</summary>
    Corrupt,
}

/// <summary>
/// Finds where one JSON object ends in bytes that arrive in pieces. It looks at each byte once, so a slow sender costs no more
/// than a fast one. It only counts brackets outside strings; whether the object is right is for the parser to say.
/// </summary>
public struct JsonObjectScanner
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>True until the first byte that is not white space.</summary>
    public readonly bool IsBetweenObjects => _depth == 0;

    /// <param name="bytes">Those that follow the ones scanned before.</param>
    /// <param name="length">Number of bytes that belong to the object or precede it, when done.</param>
    public JsonScanStatus Scan(ReadOnlySpan<byte> bytes, out int length)
    {
        for (length = 0; length < bytes.Length; length++)
        {
            byte b = bytes[length];
            if (_depth == 0)
            {
                if (b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                    continue;
                if (b != '{')
                    return JsonScanStatus.Corrupt;
                _depth = 1;
            }
            else if (_escaped)
            {
                _escaped = false;
            }
            else if (_inString)
            {
                _escaped = b == '\\';
                _inString = b != '"';
            }
            else if (b == '"')
            {
                _inString = true;
            }
            else if (b is (byte)'{' or (byte)'[')
            {
                _depth++;
            }
            else if (b is (byte)'}' or (byte)']' && --_depth == 0)
            {
                length++;
                return JsonScanStatus.Done;
            }
        }

        return JsonScanStatus.NeedMore;
    }
}
