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

    [Theory]
    [InlineData(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded", "conclave alarm disarm")]
    [InlineData(GrpcCode.FailedPrecondition, "etcdserver: root user does not exist", "conclave user add root")]
    public void What_a_person_can_do_is_said_with_the_command(GrpcCode code, string text, string command) =>
        Assert.Contains(command, ExitCode.Remedy(new ConclaveException(code, text)), StringComparison.Ordinal);

    [Theory]
    [InlineData("The TLS handshake with 10.0.0.1:2379 failed: PartialChain", "--cacert")]
    [InlineData("The connection to 10.0.0.1:2379 broke: The response ended prematurely while waiting for the next frame from the server. (ResponseEnded)", "--cert")]
    [InlineData("etcdserver: no leader", "conclave status")]
    public void A_node_that_hangs_up_is_explained_by_tls_and_not_by_its_state(string text, string expected) =>
        Assert.Contains(expected, ExitCode.Remedy(new UnavailableException(GrpcCode.Unavailable, text)), StringComparison.Ordinal);
}
