using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Rpc;

public class CertaintyTests
{
    [Theory]
    [InlineData(GrpcCode.Unavailable, "Cannot connect", RequestFate.NotSent, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unavailable, "The connection broke", RequestFate.Unanswered, false, typeof(OutcomeUnknownException))]
    [InlineData(GrpcCode.Unavailable, "etcdserver: no leader", RequestFate.Answered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unavailable, "etcdserver: unhealthy cluster", RequestFate.Answered, true, typeof(UnavailableException))]
    [InlineData(GrpcCode.Unknown, "etcdserver: re-configuration failed due to not enough started members", RequestFate.Answered, false, typeof(ConclaveException))]
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

    [Theory]
    [InlineData(ServerOutcome.Refused, true, typeof(UnavailableException))]
    [InlineData(ServerOutcome.Unknown, false, typeof(OutcomeUnknownException))]
    public void What_the_server_says_of_the_write_counts_more_than_the_code(ServerOutcome outcome, bool repeat, Type exception)
    {
        RpcException failure = new(GrpcCode.Unavailable, "etcdserver: request timed out", new Uri("http://a"), RequestFate.Answered) { Outcome = outcome };

        Assert.Equal(repeat, Certainty.MayRepeat(failure, writes: true));
        Assert.Equal(exception, ConclaveException.Of(failure, writes: true).GetType());
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(null, false)]   // a full disk has the same code
    public void Too_much_to_do_is_repeated_when_the_server_says_when(int? milliseconds, bool repeat)
    {
        RpcException failure = new(GrpcCode.ResourceExhausted, "etcdserver: too many requests", new Uri("http://a"), RequestFate.Answered)
        {
            RetryAfter = milliseconds is { } wait ? TimeSpan.FromMilliseconds(wait) : null,
        };

        Assert.Equal(repeat, Certainty.MayRepeat(failure, writes: true));
        Assert.Equal(repeat, Certainty.MayRepeat(failure, writes: false));
    }

    [Theory]
    [InlineData(GrpcCode.InvalidArgument, "etcdserver: key not found", false)]   // answered by the log, as the first attempt was
    [InlineData(GrpcCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted", false)]
    [InlineData(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded", false)]
    [InlineData(GrpcCode.ResourceExhausted, "etcdserver: too many requests", true)]
    [InlineData(GrpcCode.Unavailable, "etcdserver: no leader", true)]
    [InlineData(GrpcCode.NotFound, "etcdserver: requested lease not found", true)]
    [InlineData(GrpcCode.FailedPrecondition, "conclave: the session has answered a later sequence already", true)]
    public void A_write_of_a_session_stays_uncertain_until_the_log_answers_it(GrpcCode code, string text, bool uncertain)
    {
        RpcException last = new(code, text, new Uri("http://a"), RequestFate.Answered) { Outcome = ServerOutcome.Refused };

        Assert.Equal(uncertain, Certainty.MayHaveBeenAppliedInSession(last, earlier: true));
        Assert.False(Certainty.MayHaveBeenAppliedInSession(last, earlier: false));
    }
}
