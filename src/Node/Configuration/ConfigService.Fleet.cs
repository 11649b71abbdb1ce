using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Node.Http;
using Conclave.Node.Peers;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>What agents report, and who runs what.</content>
internal sealed partial class ConfigService
{
    private const int FactsBytesMax = 64 << 10, ReportBytesMax = 256 << 10, RunBytesMax = 16, FleetMax = 1000;

    private static readonly string[] Known = ["applied", "pending-restart", "waiting", "rejected", "failed", "drifted"];

    private readonly RolloutObservers _observers = new(new FleetStates(TimeProvider.System));

    /// <summary>What agents said last.</summary>
    public FleetStates States => _observers.States;

    /// <summary>What that means for rollouts under way.</summary>
    public RolloutObservers Observers => _observers;

    /// <summary>Called when an agent has reported, here or at another member.</summary>
    public Action AgentReported { get; set; } = () => { };

    /// <summary>Another member passes on what an agent told it.</summary>
    /// <returns>False when it is no report.</returns>
    public bool OnReport(ReadOnlySpan<byte> bytes)
    {
        try
        {
            States.Take(MessageBytes.Parse(V1.AcknowledgeRequest.Parser, bytes));
            AgentReported();
            return true;
        }
        catch (UnreadableMessageException)
        {
            return false;
        }
    }

    private async ValueTask<IMessage> AcknowledgeAsync(RpcContext call, V1.AcknowledgeRequest request)
    {
        context.BeginWrite(call);
        string name = request.Space = NameOf(request.Space);
        await _access.RequireReportAsync(call, name, request.Node).ConfigureAwait(false);
        SpaceSnapshot now = engine.Of(name).Current;
        if (!now.State.Nodes.ContainsKey(request.Node)) now = (await ReadAsync(call, name).ConfigureAwait(false)).Now;
        if (!now.State.Nodes.ContainsKey(request.Node)) throw NoSuchNode(request.Node, now.Release);
        if (request.States.FirstOrDefault(s => !Known.Contains(s.State)) is { } unknown) throw Invalid($"\"{unknown.State}\" is no state; there are {string.Join(", ", Known)}");
        if (Math.Max(request.Run.Length, request.RunBefore.Length) is > RunBytesMax and var length) throw Invalid($"a run has at most {RunBytesMax} bytes, and {length} came");
        if (request.HasFacts) await ReportFactsAsync(call, now, request).ConfigureAwait(false);
        request.Facts.Clear();
        request.HasFacts = false;
        if (request.CalculateSize() > ReportBytesMax) throw Invalid($"a report has at most {ReportBytesMax} bytes; send it in parts");
        if (!States.Take(request)) throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, "conclave: too many nodes report; nothing was kept"));
        AgentReported();
        byte[] bytes = request.ToByteArray();
        foreach (PeerLink link in context.Replica.Peers.All)
            context.Replica.Peers.Send(link.Peer, PeerFrameKind.AgentReport, 0, tag: null, bytes);   // one that is lost is made good by the next
        return new V1.AcknowledgeResponse { Head = now.Release };
    }

    private async ValueTask ReportFactsAsync(RpcContext call, SpaceSnapshot now, V1.AcknowledgeRequest request)
    {
        var members = new List<KeyValuePair<string, Value>>();
        foreach ((string fact, string json) in request.Facts)
            members.Add(new(fact, ValueJson.TryParse(json, out Value? value, out string problem) ? value : throw Invalid($"fact {fact}: {problem}")));
        var facts = Value.Map(members);
        if (now.Facts.TryGetValue(request.Node, out Value? before) && before.Equals(facts)) return;
        ByteString text = Text(facts.ToString());
        if (text.Length > FactsBytesMax) throw Invalid($"the facts of a node have at most {FactsBytesMax} bytes, and these have {text.Length}");
        CommandIdentity who = context.Auth.IsOn ? await context.Auth.IdentifyAsync(call).ConfigureAwait(false) : default;
        var txn = new TxnRequest();
        txn.Success.Add(Put(ConfigKeys.Facts(now.Space, request.Node), text));
        await TryWriteAsync(call, txn, who).ConfigureAwait(false);
    }

    private async ValueTask<IMessage> FleetAsync(RpcContext call, V1.FleetRequest request)
    {
        (_, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);   // a member that knows nothing yet must not say that all is well
        await _access.RequireReadAsync(call, now.Space, request.Document.Length > 0 ? [request.Document] : null).ConfigureAwait(false);
        if (now.Release == 0) throw NotFound($"nothing was ever published in the space {now.Space}, so nothing is known of who runs what");
        var answer = new V1.FleetResponse { Head = now.Release };
        int limit = request.Limit is > 0 and < FleetMax ? (int)request.Limit : FleetMax;
        bool counts = request.AfterNode.Length == 0;
        if (counts)
        {
            foreach (string gone in States.Nodes(now.Space).Where(n => !now.State.Nodes.ContainsKey(n))) States.Forget(now.Space, gone);
        }

        foreach (string node in now.State.Nodes.Keys)
        {
            if (string.CompareOrdinal(node, request.AfterNode) < 0) continue;
            foreach (V1.FleetNode row in RowsOf(now, node, request.Document))
            {
                if (node == request.AfterNode && string.CompareOrdinal(row.Document, request.AfterDocument) <= 0) continue;
                if (counts) answer.Counts[row.State] = answer.Counts.TryGetValue(row.State, out long count) ? count + 1 : 1;
                if (request.State.Length > 0 && row.State != request.State) continue;
                if (answer.Nodes.Count < limit) answer.Nodes.Add(row);
                else answer.More = true;
            }

            if (answer.More && !counts) break;
        }

        return answer;
    }

    /// <summary>A node's documents, or the one that was asked for, with what its agent says of each; one row where nothing was ever heard.</summary>
    private IEnumerable<V1.FleetNode> RowsOf(SpaceSnapshot now, string node, string document)
    {
        IReadOnlyList<(string Document, FleetStates.State State)> said = States.Of(now.Space, node);
        SpaceSnapshot has = now.As(node);
        if (said.Count == 0)
        {
            yield return new V1.FleetNode { Node = node, Document = document, State = "silent", Message = "nothing was heard of it", HeardMsAgo = -1, ExpectedRelease = document.Length > 0 ? has.ReleaseOf(document) : 0 };
            yield break;
        }

        foreach ((string name, FleetStates.State state) in said)
        {
            if (document.Length > 0 && name != document) continue;
            yield return new V1.FleetNode
            {
                Node = node,
                Document = name,
                Release = state.Release,
                State = StateOf(has, node, name, state),
                Message = state.Message,
                SinceUnixMs = state.SinceUnixMs,
                HeardMsAgo = States.Age(state),
                ExpectedRelease = has.ReleaseOf(name),
            };
        }
    }

    /// <param name="now">As the node has it.</param>
    /// <param name="node">The node.</param>
    /// <param name="document">The document.</param>
    /// <param name="state">What its agent said.</param>
    private string StateOf(SpaceSnapshot now, string node, string document, FleetStates.State state)
    {
        if (States.Age(state) > RolloutObserver.SilentAfter.TotalMilliseconds) return "silent";
        if (state.Name != "applied") return state.Name;
        bool isCurrent = state.Hash.Length > 0
            ? now.Fleet.Effective(node, document, now.Inputs) is { } effective && state.Hash.Span.SequenceEqual(effective.Hash)
            : state.Release >= Math.Max(now.ReleaseOf(document), now.State.NodesHead);
        return isCurrent ? "current" : "behind";
    }
}
