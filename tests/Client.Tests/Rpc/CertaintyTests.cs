using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Rpc;

public class CertaintyTests
{
    [Theory]
    [InlineData(GrpcCode.Unavailable, "Cannot connect", RequestFate.NotSent, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unavailable, "The connection broke", RequestFate.Unanswered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.Unavailable, "etcdserver: no leader", RequestFate.Answered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unavailable, "etcdserver: request timed out", RequestFate.Answered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.DeadlineExceeded, "late", RequestFate.Unanswered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.Unknown, "context deadline exceeded", RequestFate.Answered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.Internal, "broken", RequestFate.Answered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.InvalidArgument, "etcdserver: key is not provided", RequestFate.Answered, false, typeof(ConclaveException))]
    [InlineData(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded", RequestFate.Answered, false, typeof(ConclaveException))]
    [InlineData(GrpcCode.ResourceExhausted, "answer too large", RequestFate.Unanswered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.PermissionDenied, "etcdserver: permission denied", RequestFate.Answered, false, typeof(ConclaveException))]
    [InlineData(GrpcCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted", RequestFate.Answered, false, typeof(CompactedException))]
    public void A_failed_write_is_repeated_only_when_it_surely_did_not_happen(GrpcCode code, string text, RequestFate fate, bool repeat, Type exception)
    {
        RpcException failure = new(code, text, new Uri("http://a"), fate);

        Assert.Equal(repeat, Certainty.MayRepeat(failure, writes: true));
        Assert.Equal(exception, ConclaveException.Of(failure, writes: true).GetType());
    }

    [Theory]
    [InlineData(GrpcCode.Unavailable, "The connection broke", RequestFate.Unanswered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unavailable, "etcdserver: leader changed", RequestFate.Answered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.DeadlineExceeded, "late", RequestFate.Unanswered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Internal, "broken", RequestFate.Answered, false, typeof(ConclaveException))]
    [InlineData(GrpcCode.PermissionDenied, "etcdserver: permission denied", RequestFate.Answered, false, typeof(ConclaveException))]
    public void A_failed_read_is_repeated_when_another_member_may_do_better(GrpcCode code, string text, RequestFate fate, bool repeat, Type exception)
    {
        RpcException failure = new(code, text, new Uri("http://a"), fate);

        Assert.Equal(repeat, Certainty.MayRepeat(failure, writes: false));
        Assert.Equal(exception, ConclaveException.Of(failure, writes: false).GetType());
    }
}
