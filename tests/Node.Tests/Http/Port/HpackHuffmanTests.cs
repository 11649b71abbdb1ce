using Conclave.Node.Http.Port;

namespace Conclave.Node.Tests.Http.Port;

public class HpackHuffmanTests
{
    [Theory]
    [InlineData("F1E3C2E5F23A6BA0AB90F4FF", "www.example.com")] // RFC 7541, C.4.1
    [InlineData("9D29AEE30C044EAE05C0B86E09A105963F", "http://127.0.0.1:24213/")] // sent by etcdctl 3.4.23
    [InlineData("9D29AEE30C50720E89CE84DC13420B7F", "http://localhost:24215")]
    [InlineData("D07ABE941054D444A8200595040B8166E082A62D1BFF", "Mon, 21 Oct 2013 20:13:21 GMT")] // RFC 7541, C.6.1
    public void Text_is_coded_as_others_code_it(string coded, string text)
    {
        Assert.Equal(coded, Convert.ToHexString(Http2Bytes.Huffman(text)));
        Assert.Equal(text, Http2Bytes.FromHuffman(Convert.FromHexString(coded)));
    }

    [Fact]
    public void Every_printable_character_but_the_backslash_has_a_code()
    {
        string all = string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Where(c => c != '\\'));
        Assert.Equal(all, Http2Bytes.FromHuffman(Http2Bytes.Huffman(all)));
        Assert.Throws<ArgumentOutOfRangeException>(() => HpackHuffman.LengthOf((byte)'\\'));
    }

    [Fact]
    public void A_substitute_has_the_length_of_what_it_stands_for_and_may_stay()
    {
        for (char c = ' '; c <= '~'; c++)
        {
            if (c == '\\' || HostText.MayStay((byte)c, 0, portColon: -1)) continue;
            int bits = HpackHuffman.LengthOf((byte)c), substituteBits = 0;
            foreach (byte substitute in HostText.Substitute(bits))
            {
                Assert.True(HostText.MayStay(substitute, 0, portColon: -1));
                substituteBits += HpackHuffman.LengthOf(substitute);
            }

            Assert.Equal(bits, substituteBits);
        }
    }
}
