using System.Diagnostics;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <summary>conclave.v1.Config. Here is what all its methods share; the other files have the methods by what they are for.</summary>
internal sealed partial class ConfigService(ServiceContext context, ConfigEngine engine)
{
    private const string Service = "/conclave.v1.Config/";

    private readonly ConfigAccess _access = new(context);

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(Read<V1.GetRequest, V1.GetResponse>("Get", GetAsync));
        registry.Add(Read<V1.ExplainRequest, V1.ExplainResponse>("Explain", ExplainAsync));
        registry.Add(Read<V1.CompareRequest, V1.CompareResponse>("Compare", CompareAsync));
        registry.Add(Read<V1.SearchRequest, V1.SearchResponse>("Search", SearchAsync));
        registry.Add(Read<V1.DocumentsRequest, V1.DocumentsResponse>("Documents", DocumentsAsync));
        registry.Add(Read<V1.WhoUsesRequest, V1.WhoUsesResponse>("WhoUses", WhoUsesAsync));
        registry.Add(Read<V1.RenderRequest, V1.RenderResponse>("Render", RenderAsync));
        registry.Add(Read<V1.PlanRequest, V1.PlanResponse>("Plan", PlanAsync));
        registry.Add(Unary<V1.PublishRequest, V1.PublishResponse>("Publish", PublishAsync));
        registry.Add(Unary<V1.RollbackRequest, V1.PublishResponse>("Rollback", RollbackAsync));
        registry.Add(Read<V1.ReleasesRequest, V1.ReleasesResponse>("Releases", ReleasesAsync));
        registry.Add(Read<V1.DiffRequest, V1.DiffResponse>("Diff", DiffAsync));
        registry.Add(RpcMethod.ForServerStream<V1.ExportRequest, V1.ExportPart>(Service + "Export", ExportAsync, "/v1/config/export"));
        registry.Add(Unary<V1.PutDraftRequest, V1.PutDraftResponse>("PutDraft", PutDraftAsync));
        registry.Add(Read<V1.DraftsRequest, V1.DraftsResponse>("Drafts", DraftsAsync));
        registry.Add(Unary<V1.DropDraftRequest, V1.DropDraftResponse>("DropDraft", DropDraftAsync));
        registry.Add(Unary<V1.RebaseDraftRequest, V1.RebaseDraftResponse>("RebaseDraft", RebaseDraftAsync));
        registry.Add(Read<V1.NodesRequest, V1.NodesResponse>("Nodes", NodesAsync));
        registry.Add(RpcMethod.ForServerStream<V1.WatchRequest, V1.Delta>(Service + "Watch", WatchAsync, "/v1/config/watch"));
        registry.Add(Unary<V1.AcknowledgeRequest, V1.AcknowledgeResponse>("Acknowledge", AcknowledgeAsync));
        registry.Add(Read<V1.FleetRequest, V1.FleetResponse>("Fleet", FleetAsync));
        registry.Add(Read<V1.RolloutsRequest, V1.RolloutsResponse>("Rollouts", RolloutsAsync));
        registry.Add(Unary<V1.SteerRolloutRequest, V1.SteerRolloutResponse>("SteerRollout", SteerRolloutAsync));
        registry.Add(Unary<V1.PutSecretRequest, V1.PutSecretResponse>("PutSecret", PutSecretAsync));
        registry.Add(Read<V1.SecretsRequest, V1.SecretsResponse>("Secrets", SecretsAsync));
        registry.Add(Unary<V1.DropSecretRequest, V1.DropSecretResponse>("DropSecret", DropSecretAsync));
        registry.Add(Unary<V1.RotateSecretsRequest, V1.RotateSecretsResponse>("RotateSecrets", RotateSecretsAsync));
    }

    private delegate ValueTask<IMessage> Handler<in T>(RpcContext call, T request);

    private static RpcMethod Unary<TRequest, TResponse>(string name, Handler<TRequest> handler) where TRequest : IMessage<TRequest>, new() where TResponse : IMessage, new() =>
        RpcMethod.ForUnary<TRequest, TResponse>(Service + name, Serve(handler), HttpPath(name));

    private static RpcMethod Read<TRequest, TResponse>(string name, Handler<TRequest> handler) where TRequest : IMessage<TRequest>, new() where TResponse : IMessage, new() =>
        RpcMethod.ForRead<TRequest, TResponse>(Service + name, Serve(handler), HttpPath(name));

    private static string HttpPath(string name) => "/v1/config/" + name.ToLowerInvariant();

    private static UnaryHandler Serve<TRequest>(Handler<TRequest> handler) where TRequest : IMessage<TRequest>, new()
    {
        var parser = new MessageParser<TRequest>(static () => new TRequest());
        return async (call, bytes, answer) =>
        {
            TRequest request = LeaseService.Parse(parser, bytes);
            try
            {
                ResponseWriter.Write(answer, await handler(call, request).ConfigureAwait(false));
            }
            catch (SecretUnavailableException missing)
            {
                throw Unavailable(missing);
            }
        };
    }

    /// <summary>The space as it is now: linearizable, or at a release that the caller has seen and then without a majority.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">As in the request; "" is the default one.</param>
    /// <param name="minRelease">0: the newest there is.</param>
    private async ValueTask<(ConfigSpace Space, SpaceSnapshot Now)> ReadAsync(RpcContext call, string name, long minRelease = 0)
    {
        context.CheckLeader(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);   // what more is needed depends on what is there, and strangers are told nothing of that
        name = NameOf(name);
        if (minRelease <= 0)
        {
            await context.ConfirmReadAsync(call).ConfigureAwait(false);
            minRelease = StoreReads.Find(context.View, ConfigKeys.Head(name)) is { } head ? ConfigKeys.Number(head.Value.Span) : 0;
        }

        ConfigSpace space = await WaitForAsync(call, name, minRelease).ConfigureAwait(false);
        return (space, space.Current);
    }

    /// <summary>Waits until this member has a release, at most as long as a request may take.</summary>
    private async ValueTask<ConfigSpace> WaitForAsync(RpcContext call, string name, long release)
    {
        ConfigSpace space = engine.Of(name);
        if (space.Current.Release >= release && engine.HasStarted && engine.DamageOf(name) is null) return space;
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            space = engine.Of(name);
            Task changed = space.Changed;
            if (engine.DamageOf(name) is { } damage) throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage));
            if (space.Current.Release >= release && engine.HasStarted) return space;
            TimeSpan left = context.Options.RequestTimeout - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, $"conclave: this member is at release {space.Current.Release}, and release {release} was asked for; ask another member, or again"));
            TimeSpan pause = space.Current.Release == 0 || !engine.HasStarted ? TimeSpan.FromMilliseconds(10) : left;   // a space that is not kept yet tells nobody
            await Task.WhenAny(changed, Task.Delay(pause, call.Cancellation)).ConfigureAwait(false);
            call.Cancellation.ThrowIfCancellationRequested();
        }
    }

    private static string NameOf(string space)
    {
        if (space.Length == 0) return ConfigKeys.DefaultSpace;
        return ConfigKeys.IsName(space) ? space : throw Invalid($"\"{space}\" is no name of a space; use 1 to 64 letters, digits, dots, dashes and underscores");
    }

    private static GrpcException Invalid(string what) => new(new GrpcStatus(GrpcCode.InvalidArgument, "conclave: " + what));

    private static GrpcException NotFound(string what) => new(new GrpcStatus(GrpcCode.NotFound, "conclave: " + what));

    private static GrpcException NoSuchNode(string node, long release) => NotFound($"there is no node {node} at release {release}; conclave node list shows them");

    /// <summary>A change that has problems. One that met another change is not wrong, only late.</summary>
    private static GrpcException Refused(IEnumerable<ConfigProblem> problems)
    {
        ConfigProblem[] errors = [.. problems.Where(p => p.IsError)];
        GrpcCode code = errors.All(p => p.Code == ProblemCodes.Conflict) ? GrpcCode.Aborted : GrpcCode.InvalidArgument;
        return new GrpcException(new GrpcStatus(code, string.Join('\n', errors.Select(p => $"{p.Code} {p.Message}"))));
    }
}
