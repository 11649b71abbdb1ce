using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

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

public class MessageBytesTests
{
    /// <summary>Twenty bytes that claim 1 GiB: behind a length of nearly 2^31 the library believes it.</summary>
    [Theory]
    [InlineData("0affffffff070a0100 12ffffffff03 0120")]
    [InlineData("0a10 0affffffff070a0100 12ffffffff03 0120")]
    [InlineData("0b0c 0a10 0affffffff070a0100 12ffffffff03 0120")]
    public void No_length_is_believed_beyond_the_message(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", ""));
        MessageBytes.Parse(WatchRequest.Parser, []);   // what is made once
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<UnreadableMessageException>(() => MessageBytes.Parse(WatchRequest.Parser, bytes));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_message_with_parts_in_parts_is_read()
    {
        var txn = new TxnRequest { Success = { new RequestOp { RequestTxn = new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Lease = -1 } } } } } } };

        Assert.Equal(txn, MessageBytes.Parse(TxnRequest.Parser, txn.ToByteArray()));
    }
}
