namespace Conclave.Client.Tests;

public class BytesTests
{
    [Fact]
    public void Text_becomes_utf8_and_comes_back()
    {
        Bytes bytes = "größe";

        Assert.Equal(7, bytes.Length);
        Assert.True(bytes.TryGetText(out string text));
        Assert.Equal("größe", text);
    }

    [Fact]
    public void Bytes_that_are_no_text_say_so()
    {
        Assert.False(new Bytes(new byte[] { 0x61, 0xFF }).TryGetText(out _));
    }

    [Fact]
    public void Equality_and_order_look_at_unsigned_content()
    {
        Assert.Equal<Bytes>("a", new byte[] { 0x61 });
        Assert.Equal(((Bytes)"a").GetHashCode(), ((Bytes)new byte[] { 0x61 }).GetHashCode());
        Assert.True(new Bytes(new byte[] { 0x80 }).CompareTo("z") > 0);
    }
}
