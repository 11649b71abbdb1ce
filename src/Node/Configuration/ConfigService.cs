using System.Diagnostics;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <summary>conclave.v1.Config. Here is what all its methods share; the other files have the methods by what they are for.</summary>
internal sealed partial class ConfigService(ServiceContext context, ConfigEngine engine)
{
    private const string Service = "/conclave.v1.Config/";

    private readonly ConfigAccess _access = new(context);

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(Unary("Get", V1.GetRequest.Parser, V1.GetResponse.Descriptor, GetAsync));
        registry.Add(Unary("Explain", V1.ExplainRequest.Parser, V1.ExplainResponse.Descriptor, ExplainAsync));
        registry.Add(Unary("Compare", V1.CompareRequest.Parser, V1.CompareResponse.Descriptor, CompareAsync));
        registry.Add(Unary("Search", V1.SearchRequest.Parser, V1.SearchResponse.Descriptor, SearchAsync));
        registry.Add(Unary("WhoUses", V1.WhoUsesRequest.Parser, V1.WhoUsesResponse.Descriptor, WhoUsesAsync));
        registry.Add(Unary("Render", V1.RenderRequest.Parser, V1.RenderResponse.Descriptor, RenderAsync));
        registry.Add(Unary("Plan", V1.PlanRequest.Parser, V1.PlanResponse.Descriptor, PlanAsync));
        registry.Add(Unary("Publish", V1.PublishRequest.Parser, V1.PublishResponse.Descriptor, PublishAsync));
        registry.Add(Unary("Rollback", V1.RollbackRequest.Parser, V1.PublishResponse.Descriptor, RollbackAsync));
        registry.Add(Unary("Releases", V1.ReleasesRequest.Parser, V1.ReleasesResponse.Descriptor, ReleasesAsync));
        registry.Add(Unary("Diff", V1.DiffRequest.Parser, V1.DiffResponse.Descriptor, DiffAsync));
        registry.Add(RpcMethod.ForServerStream(Service + "Export", V1.ExportRequest.Descriptor, V1.ExportPart.Descriptor, ExportAsync, "/v1/config/export"));
        registry.Add(Unary("PutDraft", V1.PutDraftRequest.Parser, V1.PutDraftResponse.Descriptor, PutDraftAsync));
        registry.Add(Unary("Drafts", V1.DraftsRequest.Parser, V1.DraftsResponse.Descriptor, DraftsAsync));
        registry.Add(Unary("DropDraft", V1.DropDraftRequest.Parser, V1.DropDraftResponse.Descriptor, DropDraftAsync));
        registry.Add(Unary("RebaseDraft", V1.RebaseDraftRequest.Parser, V1.RebaseDraftResponse.Descriptor, RebaseDraftAsync));
        registry.Add(Unary("Nodes", V1.NodesRequest.Parser, V1.NodesResponse.Descriptor, NodesAsync));
        registry.Add(RpcMethod.ForServerStream(Service + "Watch", V1.WatchRequest.Descriptor, V1.Delta.Descriptor, WatchAsync, "/v1/config/watch"));
        registry.Add(Unary("Acknowledge", V1.AcknowledgeRequest.Parser, V1.AcknowledgeResponse.Descriptor, AcknowledgeAsync));
        registry.Add(Unary("Fleet", V1.FleetRequest.Parser, V1.FleetResponse.Descriptor, FleetAsync));
        registry.Add(Unary("Rollouts", V1.RolloutsRequest.Parser, V1.RolloutsResponse.Descriptor, RolloutsAsync));
        registry.Add(Unary("SteerRollout", V1.SteerRolloutRequest.Parser, V1.SteerRolloutResponse.Descriptor, SteerRolloutAsync));
        registry.Add(Unary("PutSecret", V1.PutSecretRequest.Parser, V1.PutSecretResponse.Descriptor, PutSecretAsync));
        registry.Add(Unary("Secrets", V1.SecretsRequest.Parser, V1.SecretsResponse.Descriptor, SecretsAsync));
        registry.Add(Unary("DropSecret", V1.DropSecretRequest.Parser, V1.DropSecretResponse.Descriptor, DropSecretAsync));
        registry.Add(Unary("RotateSecrets", V1.RotateSecretsRequest.Parser, V1.RotateSecretsResponse.Descriptor, RotateSecretsAsync));
    }

    private delegate ValueTask<IMessage> Handler<in T>(RpcContext call, T request);

    private static RpcMethod Unary<T>(string name, MessageParser<T> parser, MessageDescriptor response, Handler<T> handler) where T : IMessage<T>, new() =>
        RpcMethod.ForUnary(Service + name, new T().Descriptor, response, async (call, bytes, answer) =>
        {
            T request = LeaseService.Parse(parser, bytes);
            try
            {
                ResponseWriter.Write(answer, await handler(call, request).ConfigureAwait(false));
            }
            catch (SecretUnavailableException missing)
            {
                throw Unavailable(missing);
            }
        }, "/v1/config/" + name.ToLowerInvariant());

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
