using System.Text;
using System.Text.Json;
using Conclave.Node.Http;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Services;

/// <summary>/health, /livez, /readyz and /version, as etcd's operators and probes know them.</summary>
internal sealed class HealthRoutes(ServiceContext context)
{
    private readonly record struct Check(string Name, Func<CancellationToken, ValueTask<string>> Problem);

    private long _successes, _failures;

    /// <summary>Answers of /health that all is well.</summary>
    public long SuccessCount => Interlocked.Read(ref _successes);

    /// <summary>Answers of /health that something is not.</summary>
    public long FailureCount => Interlocked.Read(ref _failures);

    public void AddTo(PlainRoutes routes)
    {
        Check corruption = new("data_corruption", _ => new(context.View.Alarms.Any(alarm => alarm.Alarm == AlarmKind.Corrupt && context.Concerns(alarm)) ? "alarm activated: CORRUPT" : ""));
        Check serializable = new("serializable_read", _ => new(context.View.Revision > 0 ? "" : "RANGE ERROR: no state"));
        Check linearizable = new("linearizable_read", LinearizableProblemAsync);
        Check voter = new("non_learner", _ => new(context.Replica.IsLearner ? "not supported for learner" : ""));
        AddProbe(routes, "/livez", [serializable]);
        AddProbe(routes, "/readyz", [corruption, serializable, linearizable, voter]);
        routes.Add("/health", HealthAsync);
        routes.Add("/version", (_, _) => new(PlainResponse.Json(200,
            $$"""{"etcdserver":"{{NodeVersion.EtcdServer}}","etcdcluster":"{{NodeVersion.EtcdCluster}}","storage":"{{NodeVersion.EtcdStorage}}"}""")));
    }

    private async ValueTask<PlainResponse> HealthAsync(PlainRequest request, CancellationToken cancellationToken)
    {
        var excluded = request.Query.Where(q => q.Key == "exclude").Select(q => q.Value).ToHashSet(StringComparer.Ordinal);
        bool serializable = request.Query.Any(q => q is { Key: "serializable", Value: "true" });
        string reason = "";
        foreach (ActiveAlarm alarm in context.View.Alarms.Where(context.Concerns))
        {
            string name = alarm.Alarm switch { AlarmKind.NoSpace => "NOSPACE", AlarmKind.Corrupt => "CORRUPT", _ => "UNKNOWN" };
            if (!excluded.Contains(name)) reason = $"ALARM {name}";
        }

        if (reason.Length == 0 && !serializable)
        {
            reason = context.Replica.Status.Leader == NodeId.None ? "RAFT NO LEADER" : await LinearizableProblemAsync(cancellationToken).ConfigureAwait(false);
        }

        Interlocked.Increment(ref reason.Length == 0 ? ref _successes : ref _failures);
        return PlainResponse.Json(reason.Length == 0 ? 200 : 503,
            $$"""{"health":"{{(reason.Length == 0 ? "true" : "false")}}","reason":"{{JsonEncodedText.Encode(reason)}}"}""");
    }

    private async ValueTask<string> LinearizableProblemAsync(CancellationToken cancellationToken) =>
        await context.Replica.Reads.WaitAsync().WaitAsync(cancellationToken).ConfigureAwait(false) ? "" : "RANGE ERROR:etcdserver: request timed out";

    private static void AddProbe(PlainRoutes routes, string path, Check[] checks)
    {
        routes.Add(path, (request, cancellationToken) => ProbeAsync(request, checks, cancellationToken));
        foreach (Check check in checks) routes.Add($"{path}/{check.Name}", (request, cancellationToken) => ProbeAsync(request, [check], cancellationToken));
    }

    private static async ValueTask<PlainResponse> ProbeAsync(PlainRequest request, Check[] checks, CancellationToken cancellationToken)
    {
        var excluded = request.Query.Where(q => q.Key == "exclude").Select(q => q.Value).ToHashSet(StringComparer.Ordinal);
        var lines = new StringBuilder();
        bool healthy = true;
        foreach (Check check in checks)
        {
            if (excluded.Contains(check.Name)) continue;
            string problem = await check.Problem(cancellationToken).ConfigureAwait(false);
            healthy &= problem.Length == 0;
            lines.Append(problem.Length == 0 ? $"[+]{check.Name} ok\n" : $"[-]{check.Name} failed: {problem}\n");
        }

        if (healthy) return PlainResponse.Text(200, request.Has("verbose") ? $"{lines}ok\n" : "ok\n");
        return PlainResponse.Text(503, lines.ToString());
    }
}
