namespace Conclave.Client.Tests;

public class EndpointAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:2379", "http://127.0.0.1:2379/")]
    [InlineData("http://127.0.0.1:22379", "http://127.0.0.1:22379/")]
    [InlineData("https://ctl1:7443/", "https://ctl1:7443/")]
    [InlineData(" localhost ", "http://localhost:2379/")]
    [InlineData("https://ctl1", "https://ctl1:2379/")]
    [InlineData("http://ctl1:80", "http://ctl1/")]
    [InlineData("[::1]:2379", "http://[::1]:2379/")]
    public void Addresses_are_read_as_people_write_them(string text, string expected)
    {
        Assert.True(EndpointAddress.TryParse(text, out Uri? address));
        Assert.Equal(expected, address.AbsoluteUri);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ftp://ctl1:2379")]
    [InlineData("http://ctl1:2379/v3")]
    [InlineData("http://user@ctl1:2379")]
    [InlineData("ctl1:notaport")]
    public void Anything_else_is_refused(string text) => Assert.False(EndpointAddress.TryParse(text, out _));

    [Fact]
    public void Options_name_every_problem_at_once()
    {
        ConclaveClientOptions options = new() { Endpoints = ["ftp://x"], RequestTimeout = TimeSpan.Zero, RetryPatience = TimeSpan.FromSeconds(-1) };

        Assert.Equal(3, options.Problems().Count());
        Assert.Throws<ArgumentException>(() => new ConclaveClient(options));
    }
}
