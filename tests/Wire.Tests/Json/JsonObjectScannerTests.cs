using System.Text;
using Conclave.Wire.Json;

namespace Conclave.Wire.Tests.Json;

public class JsonObjectScannerTests
{
    [Fact]
    public void Objects_are_found_wherever_the_bytes_are_split()
    {
        byte[] text = """ {"a":"}\"{\\"} {"b":[{"c":{}}]}"""u8.ToArray();
        string[] expected = [""" {"a":"}\"{\\"}""", """ {"b":[{"c":{}}]}"""];
        for (int first = 0; first <= text.Length; first++)
        {
            for (int second = first; second <= text.Length; second++)
                Assert.Equal(expected, Objects(text[..first], text[first..second], text[second..]));
        }
    }

    [Theory]
    [InlineData("5")]
    [InlineData("[")]
    [InlineData(" ,{}")]
    [InlineData("}")]
    public void Anything_but_an_object_is_corrupt(string text)
    {
        var scanner = new JsonObjectScanner();
        Assert.Equal(JsonScanStatus.Corrupt, scanner.Scan(Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void White_space_alone_is_between_objects_and_a_bracket_is_not()
    {
        var scanner = new JsonObjectScanner();
        Assert.Equal(JsonScanStatus.NeedMore, scanner.Scan(" \r\n\t"u8, out int length));
        Assert.Equal(4, length);
        Assert.True(scanner.IsBetweenObjects);
        Assert.Equal(JsonScanStatus.NeedMore, scanner.Scan("{"u8, out _));
        Assert.False(scanner.IsBetweenObjects);
    }

    private static List<string> Objects(params byte[][] pieces)
    {
        List<string> found = [];
        var scanner = new JsonObjectScanner();
        var current = new StringBuilder();
        foreach (byte[] piece in pieces)
        {
            for (int at = 0; at < piece.Length;)
            {
                JsonScanStatus status = scanner.Scan(piece.AsSpan(at), out int length);
                current.Append(Encoding.UTF8.GetString(piece, at, length));
                at += length;
                if (status == JsonScanStatus.NeedMore)
                    continue;
                Assert.Equal(JsonScanStatus.Done, status);
                found.Add(current.ToString());
                current.Clear();
            }
        }

        Assert.Equal("", current.ToString());
        return found;
    }
}
