using System.Text;
using Conclave.Layers.Serving.Live;

namespace Conclave.Layers.Serving.Tests.Live;

public class LiveKeysTests
{
    [Theory]
    [InlineData("10.0.0.1:5672", "10.0.0.1:5672")]
    [InlineData(" mq1 \n", "mq1")]
    [InlineData("{\"address\":\"mq1\",\"zone\":2}", "mq1")]
    [InlineData("{\"zone\":2}", null)]
    [InlineData("{\"address\":2}", null)]
    [InlineData("{broken", null)]
    [InlineData("", null)]
    [InlineData("a\tb", null)]
    public void An_address_is_the_text_or_the_member_of_that_name(string value, string? address) => Assert.Equal(address, LiveKeys.AddressOf(Encoding.UTF8.GetBytes(value)));

    [Fact]
    public void What_is_too_long_or_no_text_is_no_address()
    {
        Assert.Null(LiveKeys.AddressOf(new byte[] { 0xff, 0xfe }));
        Assert.Null(LiveKeys.AddressOf(Encoding.ASCII.GetBytes(new string('a', LiveKeys.AddressBytesMax + 1))));
        Assert.NotNull(LiveKeys.AddressOf(Encoding.ASCII.GetBytes(new string('a', LiveKeys.AddressBytesMax))));
    }
}
