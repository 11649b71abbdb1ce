using Conclave.Node.Services.Locks;
using Google.Protobuf;

namespace Conclave.Node.Tests.Locks;

public sealed class QueueKeysTests
{
    [Theory]
    [InlineData(1234, "n/4d2")]
    [InlineData(long.MaxValue, "n/7fffffffffffffff")]
    [InlineData(-1234, "n/-4d2")]
    [InlineData(long.MinValue, "n/-8000000000000000")]
    public void A_key_is_the_name_and_the_lease_in_hex(long lease, string key) =>
        Assert.Equal(key, QueueKeys.Key(ByteString.CopyFromUtf8("n"), lease).ToStringUtf8());

    [Fact]
    public void The_range_of_a_queue_ends_behind_its_slash()
    {
        ByteString prefix = QueueKeys.Prefix(ByteString.CopyFrom(0xff, 0xff));
        Assert.Equal([0xff, 0xff, (byte)'/'], prefix.ToByteArray());
        Assert.Equal([0xff, 0xff, (byte)'0'], QueueKeys.EndOf(prefix).ToByteArray());
    }
}
