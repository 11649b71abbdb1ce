using System.Collections.Immutable;
using Conclave.Fuzz.Engine;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Wire;
using Conclave.Node.Services;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Fuzz.Targets;

/// <summary>Messages of conclave.v1.Config as callers send them: read as the service reads them, then planned. The first byte chooses the message.</summary>
internal sealed class ConfigMessageTarget : FuzzTarget
{
    private static readonly V1.Change Change = new()
    {
        Entries =
        {
            new V1.EntryEdit { Document = "app", Scope = "*", Key = "port", Op = "set", Value = "8081", Comment = "why" }, new V1.EntryEdit { Document = "app", Scope = "role=web;site=a", Key = "list", Op = "append", Value = "[1]" },
            new V1.EntryEdit { Document = "app", Scope = "", Key = "url", Op = "unset" }, new V1.EntryEdit { Document = "app", Scope = "site=a", Key = "x" },
        },
        Schemas = { new V1.SchemaEdit { Document = "app", Key = "list", Schema = """{"type":"list","merge":"append"}""" }, new V1.SchemaEdit { Document = "app", Key = "port" } },
        Nodes = { new V1.NodeEdit { Node = "n2", Assigned = { new V1.Pair { Dimension = "role", Value = "web" } } }, new V1.NodeEdit { Node = "n1", Delete = true } },
        Dimensions = new V1.DimensionsEdit { NodeDimension = "node", Dimensions = { new V1.Dimension { Name = "role", MultiValued = true }, new V1.Dimension { Name = "node" } } },
        Weights = { new V1.WeightEdit { Dimension = "role", Value = "db", Weight = 3 }, new V1.WeightEdit { Dimension = "role", Value = "web" } },
    };

    private static readonly IMessage[][] Kinds =
    [
        [Change, new V1.Change { Entries = { Change.Entries } }], [new V1.PublishRequest { Change = Change }], [new V1.PlanRequest { Change = Change, Base = 1 }],
        [new V1.PutDraftRequest { Name = "d", Change = Change, Merge = true }], [new V1.Draft { Name = "d", Base = 1, Edits = 3, Change = Change }],
        [new V1.AcknowledgeRequest { Space = "default", Node = "n1", States = { new V1.DocumentState { Document = "app", State = "applied", Release = 2, Hash = ByteString.CopyFrom(1, 2) } } }],
        [new V1.GetRequest { Subject = new V1.Subject { Node = "n1", Criteria = { new V1.Pair { Dimension = "role", Value = "web" } } }, Document = "app", Keys = { "a/" }, At = new V1.At { Release = 1 } }],
        [new V1.WatchRequest()], [new V1.ExportRequest()],
    ];

    private readonly Fleet _fleet = Fleet.Of(LayerSamples.States()[1]);
    private readonly FleetStates _states = new(TimeProvider.System);

    public override string Name => "config-messages";

    public override int BytesMax => 4 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 16 << 10);   // a plan of its own

    public override IReadOnlyList<byte[]> Corpus() => [.. Kinds.SelectMany((kind, i) => kind.Select(sample => (byte[])[(byte)i, .. sample.ToByteArray()]))];

    public override IReadOnlyList<byte[]> Words => Texts("set", "unset", "append", "remove", "final", "role=web", "*", ";", "n1", "app", "%{key:port}", "\"%{node:name}\"", "{\"type\":\"integer\"}", "null", "1e400", "[[]]", "\ud83d\ude00");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        IMessage message;
        try
        {
            message = Parse(input[0] % Kinds.Length, input.AsMemory(1));
        }
        catch (GrpcException refusal)
        {
            Holds(refusal.Status.Message.Length > 0, "a refusal says why");
            return;
        }

        V1.Change? change = message switch { V1.Change c => c, V1.PublishRequest r => r.Change, V1.PlanRequest r => r.Change, V1.PutDraftRequest r => r.Change, V1.Draft d => d.Change, _ => null };
        if (change is not null) Take(change);
        if (message is not V1.AcknowledgeRequest report) return;
        _states.Take(report);
        foreach ((string node, _, FleetStates.State state) in _states.Of(report.Space))
        {
            Holds(state.Message.Length <= 1024, "what is kept of a report is bounded");
            _states.Forget(report.Space, node);
        }
    }

    private static IMessage Parse(int kind, ReadOnlyMemory<byte> bytes) => Kinds[kind][0] switch
    {
        V1.Change => LeaseService.Parse(V1.Change.Parser, bytes),
        V1.PublishRequest => LeaseService.Parse(V1.PublishRequest.Parser, bytes),
        V1.PlanRequest => LeaseService.Parse(V1.PlanRequest.Parser, bytes),
        V1.PutDraftRequest => LeaseService.Parse(V1.PutDraftRequest.Parser, bytes),
        V1.Draft => LeaseService.Parse(V1.Draft.Parser, bytes),
        V1.AcknowledgeRequest => LeaseService.Parse(V1.AcknowledgeRequest.Parser, bytes),
        V1.GetRequest => LeaseService.Parse(V1.GetRequest.Parser, bytes),
        V1.WatchRequest => LeaseService.Parse(V1.WatchRequest.Parser, bytes),
        _ => LeaseService.Parse(V1.ExportRequest.Parser, bytes),
    };

    private void Take(V1.Change change)
    {
        var problems = new List<ConfigProblem>();
        ImmutableArray<Edit> edits = ChangeMessages.Read(change, problems);
        if (problems.Any(p => p.IsError)) return;
        Plan plan = _fleet.Plan(new Change(_fleet.State.Release, edits), new ReleaseNote { Author = "a", Reason = "b" });
        Holds(plan.After is not null || plan.Problems.Any(p => p.IsError), "a plan that is none says why");
        if (plan.After is not { } after || plan.Record is not { } record) return;
        byte[] written = record.ToBytes();
        Holds(ChangeRecord.FromBytes(written).ToBytes().AsSpan().SequenceEqual(written), "what was planned is written and read as the same");
        Holds(_fleet.Publish(record).Fleet.State.ContentHash.SequenceEqual(after.State.ContentHash), "what was planned is what is published");
        ImmutableArray<Edit> again = ChangeMessages.Read(ChangeMessages.Of(record.Change.Edits, after.State.Dimensions), problems);
        Holds(problems.Count == 0 && _fleet.Publish(record with { Change = new Change(record.Change.Base, again), CheckedAt = -1 }).Fleet.State.ContentHash.SequenceEqual(after.State.ContentHash), "a change that is shown and sent again means the same");
    }
}
