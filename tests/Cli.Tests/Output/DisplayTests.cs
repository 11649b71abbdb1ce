using System.Globalization;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Cli.Tests.Output;

public class DisplayTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("plain größe 日本", "plain größe 日本")]
    [InlineData("a\tb\nc\r", "a\\tb\\nc\\r")]
    [InlineData("C:\\x", "C:\\\\x")]
    [InlineData("\u001b[31m", "\\x1b[31m")]
    [InlineData("\u202e", "\\xe2\\x80\\xae")]
    public void A_line_shows_text_and_escapes_what_could_upset_a_terminal(string text, string shown) => Assert.Equal(shown, Display.Line(text));

    [Fact]
    public void Bytes_that_are_no_text_are_escaped_one_by_one() => Assert.Equal("a\\xff\\xc3b", Display.Line(new byte[] { 0x61, 0xFF, 0xC3, 0x62 }));

    [Fact]
    public void A_block_keeps_line_breaks_and_backslashes() => Assert.Equal("a\n\tb\\c\\x1b", Display.Block("a\n\tb\\c\u001b"));

    [Fact]
    public void A_line_is_one_line_and_gives_back_the_exact_bytes() =>
        Properties.Holds(Prop.ForAll((byte[] bytes) =>
        {
            string line = Display.Line(bytes);
            return !line.Any(char.IsControl) && Unescape(line).SequenceEqual(bytes);
        }), output, tests: 1000);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(20480, "20 KiB")]
    [InlineData(3 * 1024 * 1024 / 2, "1.5 MiB")]
    public void Sizes_are_shown_as_people_count_them(long bytes, string shown) => Assert.Equal(shown, Display.Size(bytes));

    private static byte[] Unescape(string line)
    {
        List<byte> bytes = [];
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\' && line[i + 1] == 'x')
            {
                bytes.Add(byte.Parse(line.AsSpan(i + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 3;
            }
            else if (line[i] == '\\') bytes.Add((byte)(line[++i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', _ => '\\' }));
            else
            {
                Rune rune = Rune.GetRuneAt(line, i);
                bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
                i += rune.Utf16SequenceLength - 1;
            }
        }

        return [.. bytes];
    }
}
