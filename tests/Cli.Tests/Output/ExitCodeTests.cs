using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Wire.Grpc;

namespace Conclave.Cli.Tests.Output;

public class ExitCodeTests
{
    [Theory]
    [InlineData(GrpcCode.NotFound, 1)]
    [InlineData(GrpcCode.InvalidArgument, 3)]
    [InlineData(GrpcCode.OutOfRange, 3)]
    [InlineData(GrpcCode.FailedPrecondition, 4)]
    [InlineData(GrpcCode.PermissionDenied, 5)]
    [InlineData(GrpcCode.Unauthenticated, 5)]
    [InlineData(GrpcCode.ResourceExhausted, 6)]
    [InlineData(GrpcCode.Internal, 70)]
    public void Codes_of_the_server_have_one_exit_code_each(GrpcCode code, int exit) => Assert.Equal(exit, ExitCode.Of(new ConclaveException(code, "x")));

    [Fact]
    public void A_write_that_may_have_happened_is_never_called_safe_to_repeat()
    {
        Assert.Equal(6, ExitCode.Of(new UnavailableException(GrpcCode.Unavailable, "x")));
        Assert.Equal(8, ExitCode.Of(new OutcomeUnknownException(GrpcCode.Unavailable, "x")));
        Assert.Contains("before trying again", ExitCode.Remedy(new OutcomeUnknownException(GrpcCode.Unavailable, "x")), StringComparison.Ordinal);
    }
}
