using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;
using Conclave.Wire.V1;
using Google.Protobuf;

namespace Conclave.Client;

/// <summary>Layered configuration: the calls of <c>conclave.v1.Config</c> as they are, with this client's routing, repeats and errors.</summary>
public sealed class ConfigurationClient
{
    private const string Service = "/conclave.v1.Config/";

    private const int AttemptsMax = 3;

    private readonly CallRouter _router;

    internal ConfigurationClient(CallRouter router) => _router = router;

    public ValueTask<GetResponse> GetAsync(GetRequest request, CancellationToken cancellationToken = default) => ReadAsync("Get", GetResponse.Parser, request, cancellationToken);

    public ValueTask<ExplainResponse> ExplainAsync(ExplainRequest request, CancellationToken cancellationToken = default) => ReadAsync("Explain", ExplainResponse.Parser, request, cancellationToken);

    public ValueTask<CompareResponse> CompareAsync(CompareRequest request, CancellationToken cancellationToken = default) => ReadAsync("Compare", CompareResponse.Parser, request, cancellationToken);

    public ValueTask<SearchResponse> SearchAsync(SearchRequest request, CancellationToken cancellationToken = default) => ReadAsync("Search", SearchResponse.Parser, request, cancellationToken);

    public ValueTask<DocumentsResponse> DocumentsAsync(DocumentsRequest request, CancellationToken cancellationToken = default) => ReadAsync("Documents", DocumentsResponse.Parser, request, cancellationToken);

    public ValueTask<WhoUsesResponse> WhoUsesAsync(WhoUsesRequest request, CancellationToken cancellationToken = default) => ReadAsync("WhoUses", WhoUsesResponse.Parser, request, cancellationToken);

    public ValueTask<RenderResponse> RenderAsync(RenderRequest request, CancellationToken cancellationToken = default) => ReadAsync("Render", RenderResponse.Parser, request, cancellationToken);

    public ValueTask<PlanResponse> PlanAsync(PlanRequest request, CancellationToken cancellationToken = default) => ReadAsync("Plan", PlanResponse.Parser, request, cancellationToken);

    public ValueTask<ReleasesResponse> ReleasesAsync(ReleasesRequest request, CancellationToken cancellationToken = default) => ReadAsync("Releases", ReleasesResponse.Parser, request, cancellationToken);

    public ValueTask<DiffResponse> DiffAsync(DiffRequest request, CancellationToken cancellationToken = default) => ReadAsync("Diff", DiffResponse.Parser, request, cancellationToken);

    public ValueTask<DraftsResponse> DraftsAsync(DraftsRequest request, CancellationToken cancellationToken = default) => ReadAsync("Drafts", DraftsResponse.Parser, request, cancellationToken);

    public ValueTask<NodesResponse> NodesAsync(NodesRequest request, CancellationToken cancellationToken = default) => ReadAsync("Nodes", NodesResponse.Parser, request, cancellationToken);

    public ValueTask<FleetResponse> FleetAsync(FleetRequest request, CancellationToken cancellationToken = default) => ReadAsync("Fleet", FleetResponse.Parser, request, cancellationToken);

    public ValueTask<RolloutsResponse> RolloutsAsync(RolloutsRequest request, CancellationToken cancellationToken = default) => ReadAsync("Rollouts", RolloutsResponse.Parser, request, cancellationToken);

    /// <summary>Pauses, resumes, aborts or advances a rollout. It is not repeated: look at it when no answer came.</summary>
    public ValueTask<SteerRolloutResponse> SteerRolloutAsync(SteerRolloutRequest request, CancellationToken cancellationToken = default) => WriteAsync("SteerRollout", SteerRolloutResponse.Parser, request, cancellationToken);

    /// <summary>Publishes a change exactly once: a lost answer is asked for again under the same request id, which is made here when there is none.</summary>
    public ValueTask<PublishResponse> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        if (request.RequestId.IsEmpty) request.RequestId = NewRequestId();
        return OnceAsync("Publish", PublishResponse.Parser, request, cancellationToken);
    }

    /// <summary>Publishes the inverse of what happened since a release, exactly once, as <see cref="PublishAsync"/> does.</summary>
    public ValueTask<PublishResponse> RollbackAsync(RollbackRequest request, CancellationToken cancellationToken = default)
    {
        if (request.RequestId.IsEmpty) request.RequestId = NewRequestId();
        return OnceAsync("Rollback", PublishResponse.Parser, request, cancellationToken);
    }

    public ValueTask<PutDraftResponse> PutDraftAsync(PutDraftRequest request, CancellationToken cancellationToken = default) => WriteAsync("PutDraft", PutDraftResponse.Parser, request, cancellationToken);

    public ValueTask<DropDraftResponse> DropDraftAsync(DropDraftRequest request, CancellationToken cancellationToken = default) => WriteAsync("DropDraft", DropDraftResponse.Parser, request, cancellationToken);

    /// <summary>Puts a draft on a newer release. Repeating it does no harm, so it is repeated.</summary>
    public ValueTask<RebaseDraftResponse> RebaseDraftAsync(RebaseDraftRequest request, CancellationToken cancellationToken = default) => OnceAsync("RebaseDraft", RebaseDraftResponse.Parser, request, cancellationToken);

    /// <summary>Writes a secret. An attempt without an answer may have been carried out; writing the same again does no harm but gives another version.</summary>
    public ValueTask<PutSecretResponse> PutSecretAsync(PutSecretRequest request, CancellationToken cancellationToken = default) => WriteAsync("PutSecret", PutSecretResponse.Parser, request, cancellationToken);

    public ValueTask<SecretsResponse> SecretsAsync(SecretsRequest request, CancellationToken cancellationToken = default) => ReadAsync("Secrets", SecretsResponse.Parser, request, cancellationToken);

    public ValueTask<DropSecretResponse> DropSecretAsync(DropSecretRequest request, CancellationToken cancellationToken = default) => WriteAsync("DropSecret", DropSecretResponse.Parser, request, cancellationToken);

    /// <summary>Puts all secrets under the newest cluster key. Repeating it does no harm, so it is repeated.</summary>
    public ValueTask<RotateSecretsResponse> RotateSecretsAsync(RotateSecretsRequest request, CancellationToken cancellationToken = default) => OnceAsync("RotateSecrets", RotateSecretsResponse.Parser, request, cancellationToken);

    /// <summary>Reports what an agent did, and facts. Repeating it does no harm, so it is repeated.</summary>
    public ValueTask<AcknowledgeResponse> AcknowledgeAsync(AcknowledgeRequest request, CancellationToken cancellationToken = default) => OnceAsync("Acknowledge", AcknowledgeResponse.Parser, request, cancellationToken);

    /// <summary>Everything of a release, in parts. A stream that breaks off ends with the error: begin anew.</summary>
    public IAsyncEnumerable<ExportPart> ExportAsync(ExportRequest request, CancellationToken cancellationToken = default) => StreamAsync("Export", ExportPart.Parser, request, cancellationToken);

    /// <summary>The documents of a node as one member sees them. A stream that breaks off ends with the error: go on with what was received last.</summary>
    public IAsyncEnumerable<Delta> WatchAsync(WatchRequest request, CancellationToken cancellationToken = default) => StreamAsync("Watch", Delta.Parser, request, cancellationToken);

    private static ByteString NewRequestId() => ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16));

    private ValueTask<T> ReadAsync<T>(string name, MessageParser<T> parser, IMessage request, CancellationToken cancellationToken) where T : IMessage<T> =>
        _router.ReadAsync(new Call<T>(Service + name, parser), request, cancellationToken);

    private ValueTask<T> WriteAsync<T>(string name, MessageParser<T> parser, IMessage request, CancellationToken cancellationToken) where T : IMessage<T> =>
        _router.WriteAsync(new Call<T>(Service + name, parser), request, cancellationToken);

    /// <summary>A call that does no harm when it is repeated, and may take long: each attempt has the whole time of a request.</summary>
    private async ValueTask<T> OnceAsync<T>(string name, MessageParser<T> parser, IMessage request, CancellationToken cancellationToken) where T : IMessage<T>
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteAsync(name, parser, request, cancellationToken).ConfigureAwait(false);
            }
            catch (OutcomeUnknownException) when (attempt < AttemptsMax)
            {
                // The next one finds out, or does it.
            }
        }
    }

    private async IAsyncEnumerable<T> StreamAsync<T>(string name, MessageParser<T> parser, IMessage request, [EnumeratorCancellation] CancellationToken cancellationToken) where T : IMessage<T>
    {
        int endpoint = _router.Endpoints.Pick();
        RpcStream? stream = null;
        try
        {
            try
            {
                // A member that sees no leader must end the stream: whoever reads it would take silence for "nothing changed".
                StreamPass pass = await _router.PassAsync(_router.Options.RequireLeader, cancellationToken).ConfigureAwait(false);
                stream = await _router.Endpoints.Channels[endpoint].OpenAsync(Service + name, pass.Metadata, cancellationToken).ConfigureAwait(false);
                await stream.AskAsync(RequestFrame.Of(request), cancellationToken).ConfigureAwait(false);
                stream.CompleteWrites();
            }
            catch (RpcException failure)
            {
                throw Failed(failure);
            }

            while (true)
            {
                T message;
                try
                {
                    if (!await stream.ReadAsync(cancellationToken).ConfigureAwait(false)) yield break;
                    message = parser.ParseFrom(stream.Message);
                }
                catch (RpcException failure)
                {
                    throw Failed(failure);
                }

                yield return message;
            }
        }
        finally
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
        }

        ConclaveException Failed(RpcException failure)
        {
            if (failure.Code is GrpcCode.Unavailable) _router.Endpoints.Failed(endpoint);
            return ConclaveException.Of(failure, writes: false);
        }
    }
}
