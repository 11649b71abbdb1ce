using Conclave.Wire.Grpc;

namespace Conclave.Node.Http;

/// <summary>Who made a call, for what is done in its name after it has ended: then nothing can be asked of the call itself.</summary>
internal sealed class RememberedCall(RpcContext call) : RpcContext
{
    private readonly string? _token = call.Token;

    public override RpcMethod Method { get; } = call.Method;

    public override CancellationToken Cancellation => CancellationToken.None;

    public override GrpcStatus CancellationStatus => EtcdErrors.RequestCanceled;

    public override TimeSpan? Timeout => null;

    public override string Peer { get; } = call.Peer;

    public override string? CertificateName { get; } = call.CertificateName;

    public override bool ViaGateway { get; } = call.ViaGateway;

    public override string? Metadata(string key) => key == "token" ? _token : null;
}
