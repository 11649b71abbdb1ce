using Conclave.Wire.Grpc;

namespace Conclave.Wire.Tests.Grpc;

public class GrpcHeadersTests
{
    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("application/grpc;charset=utf-8", true)]
    [InlineData("Application/gRPC", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/json", false)]
    [InlineData("", false)]
    public void Only_grpc_itself_counts_as_grpc(string contentType, bool expected) =>
        Assert.Equal(expected, GrpcHeaders.IsGrpcContentType(contentType));
}
