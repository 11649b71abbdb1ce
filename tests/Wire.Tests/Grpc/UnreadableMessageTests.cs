using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Wire.Tests.Grpc;

public class UnreadableMessageTests
{
    /// <summary>Found by fuzzing: the library (3.25.1) has more ways to refuse a message than it documents.</summary>
    [Theory]
    [InlineData("12feffffff0712640805")]
    [InlineData("12feffffff07126408056 2ffff011161818404 6710")]
    [InlineData("1afeffffff071a1a1a1a1a1a12036 32f311801")]
    [InlineData("0afeffffff070a010012110018012 0012a010038 2a01003805")]
    public void Whatever_the_library_throws_at_a_message_that_is_none_is_told_apart_from_a_bug(string hex)
    {
        Exception failure = Assert.ThrowsAny<Exception>(() => WatchRequest.Parser.ParseFrom(Convert.FromHexString(hex.Replace(" ", ""))));

        Assert.True(UnreadableMessage.Is(failure), failure.GetType().Name);
    }
}
