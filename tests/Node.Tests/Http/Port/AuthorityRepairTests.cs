using System.Text;
using Conclave.Node.Http.Port;
using Conclave.Support;
using FsCheck.Fluent;
using static Conclave.Node.Tests.Http.Port.Http2Bytes;

namespace Conclave.Node.Tests.Http.Port;

public class AuthorityRepairTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("http://127.0.0.1:2379", "http---127.0.0.1:2379", "httpB--127.0.0.1:2379")]
    [InlineData("https://etcd-0.example:2379", "https---etcd-0.example:2379", "httpsB--etcd-0.example:2379")]
    [InlineData("http://127.0.0.1:2379/", "http---127.0.0.1-2379-", "httpB--127.0.0.1B2379-")]
    [InlineData("http://etcd", "http---etcd", "httpB--etcd")]
    [InlineData("http://[::1]:2379", "http------1-:2379", "httpB--~BB1~:2379")]
    [InlineData("#initially=[a:1;http://b:2]", "-initially--a-1-http---b-2-", "--initially-~aB1XhttpB--bB2~")]
    public void A_known_wrong_form_becomes_a_host_of_the_same_size(string sent, string raw, string huffman)
    {
        byte[] plain = [.. GetOverHttp, .. Authority(sent, huffman: false), .. Literal(4, "/a", huffman: false)];
        byte[] expected = [.. GetOverHttp, .. Authority(raw, huffman: false), .. Literal(4, "/a", huffman: false)];
        Assert.True(AuthorityRepair.ApplyToFrame(plain, 0));
        Assert.Equal(expected, plain);

        byte[] coded = [.. GetOverHttp, .. Authority(sent, huffman: true), .. Literal(4, "/a", huffman: true)];
        expected = [.. GetOverHttp, .. Authority(huffman, huffman: true), .. Literal(4, "/a", huffman: true)];
        Assert.True(AuthorityRepair.ApplyToFrame(coded, 0));
        Assert.Equal(expected, coded);
    }

    [Theory]
    [InlineData("127.0.0.1:2379")]
    [InlineData("localhost")]
    [InlineData("")]
    [InlineData("[::1]:2379")]
    [InlineData("user@host")]
    [InlineData("ftp://a")]
    [InlineData("http:/a")]
    [InlineData("HTTP://a")]
    public void Anything_else_stays(string sent)
    {
        foreach (bool huffman in new[] { false, true }) AssertStays(Authority(sent, huffman));
    }

    [Fact]
    public void The_field_is_found_in_every_form_and_behind_everything_that_may_come_before_it()
    {
        const string sent = "http://a:1";
        byte[][] before = [[], [0x20], [0x3f, 0xe1, 0x1f], [0x82, 0xbe, 0xff, 0x20], Literal(4, "/x", false), Literal(4, new string('x', 300), true),
            [0x0f, 0x31, 1, (byte)'v'], [0x10, .. String("k", true), .. String("http://v", false)], [0x40, .. String(":authorita", true), 0]];
        byte[][] names = [[0x41], [0x01], [0x11], [0x40, .. String(":authority", false)], [0x00, .. String(":authority", true)], [0x10, .. String(":authority", true)]];
        foreach (byte[] start in before)
        {
            foreach (byte[] name in names)
            {
                byte[] block = [.. start, .. name, .. String(sent, true)];
                Assert.True(AuthorityRepair.ApplyToFrame(block, 0));
                Assert.Equal([.. start, .. name, .. String("httpB--a:1", true)], block);
            }
        }
    }

    [Fact]
    public void Padding_and_priority_are_stepped_over()
    {
        byte[] sent = Authority("http://a:1", false), repaired = Authority("http---a:1", false);
        AssertRepaired([3, .. sent, 0, 0, 0], [3, .. repaired, 0, 0, 0], Padded);
        AssertRepaired([0x41, 0, 0, 0, 5, .. sent], [0x41, 0, 0, 0, 5, .. repaired], Priority);
        AssertRepaired([1, 0x41, 0, 0, 0, 5, .. sent, 9], [1, 0x41, 0, 0, 0, 5, .. repaired, 9], Padded | Priority);
        AssertStays([(byte)(sent.Length + 1), .. sent], Padded);
        AssertStays([], Padded);
        AssertStays([0, 1, 2, 3], Priority);
    }

    [Fact]
    public void What_is_cut_off_or_odd_stays()
    {
        foreach (bool huffman in new[] { false, true })
        {
            byte[] whole = Authority("http://127.0.0.1:2379", huffman);
            for (int length = 0; length < whole.Length; length++) AssertStays(whole[..length]);
            AssertStays(Authority("http://" + new string('a', AuthorityRepair.TextBytesMax), huffman));
        }

        byte[] badPadding = [0x41, .. String("http://ab", true)];
        badPadding[^1] &= 0xfe;
        AssertStays(badPadding);
        AssertStays([0x41, 8, .. "http://"u8, 0x80]);
        AssertStays([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, .. Authority("http://a", false)]); // an endless integer
    }

    [Fact]
    public void Random_bytes_never_throw_and_nothing_but_the_authority_changes() => Properties.Holds(
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<byte>(), (before, after, flags) =>
        {
            byte[] random = [.. before];
            if (AuthorityRepair.ApplyToFrame(random, flags) || !random.AsSpan().SequenceEqual(before)) return false;
            byte[] field = Authority("http://127.0.0.1:2379", huffman: true), repaired = Authority("httpB--127.0.0.1:2379", huffman: true);
            byte[] block = [.. before, .. field, .. after];
            bool changed = AuthorityRepair.ApplyToFrame(block, flags);
            return block.AsSpan().SequenceEqual(changed ? [.. before, .. repaired, .. after] : (byte[])[.. before, .. field, .. after]);
        }), output, tests: 2000);

    [Fact]
    public void Any_text_behind_a_wrong_start_becomes_one_that_a_host_may_have() => Properties.Holds(
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            string text = "http://" + string.Concat(bytes.Select(b => (char)(' ' + b % ('\\' - ' '))));
            byte[] raw = Authority(text, huffman: false), coded = Authority(text, huffman: true);
            int lead = coded.Length - Huffman(text).Length;
            return AuthorityRepair.ApplyToFrame(raw, 0) && IsHost(Encoding.ASCII.GetString(raw.AsSpan(raw.Length - text.Length)))
                && AuthorityRepair.ApplyToFrame(coded, 0) && IsHost(FromHuffman(coded.AsSpan(lead)));
        }), output, tests: 500);

    private static bool IsHost(string text)
    {
        string[] parts = text.Split(':');
        return parts.Length <= 2 && parts[0].All(c => char.IsAsciiLetterOrDigit(c) || "-._~!$&'()".Contains(c, StringComparison.Ordinal))
            && (parts.Length == 1 || parts[1].Length > 0 && parts[1].All(char.IsAsciiDigit));
    }

    private static void AssertRepaired(byte[] payload, byte[] expected, byte flags)
    {
        Assert.True(AuthorityRepair.ApplyToFrame(payload, flags));
        Assert.Equal(expected, payload);
    }

    private static void AssertStays(byte[] payload, byte flags = 0)
    {
        byte[] copy = [.. payload];
        Assert.False(AuthorityRepair.ApplyToFrame(copy, flags));
        Assert.Equal(payload, copy);
    }
}
