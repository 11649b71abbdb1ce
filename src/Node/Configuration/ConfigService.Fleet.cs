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
    private const int FactsBytesMax = 64 << 10, ReportBytesMax = 256 << 10, FleetMax = 1000;

    private static readonly string[] Known = ["applied", "pending-restart", "rejected", "failed", "drifted"];

    private readonly FleetStates _states = new(TimeProvider.System);

    /// <summary>What agents said last.</summary>
    public FleetStates States => _states;

    /// <summary>Called when an agent has reported, here or at another member.</summary>
    public Action AgentReported { get; set; } = () => { };

    /// <summary>Another member passes on what an agent told it.</summary>
    /// <returns>False when it is no report.</returns>
    public bool OnReport(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _states.Take(MessageBytes.Parse(V1.AcknowledgeRequest.Parser, bytes));
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
        await RequireNodeAsync(call, name, request.Node, writes: true).ConfigureAwait(false);
        SpaceSnapshot now = engine.Of(name).Current;
        if (!now.State.Nodes.ContainsKey(request.Node)) now = (await ReadAsync(call, name).ConfigureAwait(false)).Now;
        if (!now.State.Nodes.ContainsKey(request.Node)) throw NoSuchNode(request.Node, now.Release);
        if (request.States.FirstOrDefault(s => !Known.Contains(s.State)) is { } unknown) throw Invalid($"\"{unknown.State}\" is no state; there are {string.Join(", ", Known)}");
        if (request.HasFacts) await ReportFactsAsync(call, now, request).ConfigureAwait(false);
        request.Facts.Clear();
        request.HasFacts = false;
        if (request.CalculateSize() > ReportBytesMax) throw Invalid($"a report has at most {ReportBytesMax} bytes; send it in parts");
        if (!_states.Take(request)) throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, "conclave: too many nodes report; nothing was kept"));
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
        context.CheckLeader(call);
        string name = NameOf(request.Space);
        await _access.RequireReadAsync(call, name, request.Document.Length > 0 ? [request.Document] : null).ConfigureAwait(false);
        SpaceSnapshot now = engine.Of(name).Current;
        var answer = new V1.FleetResponse { Head = now.Release };
        int limit = request.Limit is > 0 and < FleetMax ? (int)request.Limit : FleetMax;
        var heard = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string node, string document, FleetStates.State state) in _states.Of(name).OrderBy(s => s.Node, StringComparer.Ordinal).ThenBy(s => s.Document, StringComparer.Ordinal))
        {
            if (!now.State.Nodes.ContainsKey(node))
            {
                _states.Forget(name, node);
                continue;
            }

            heard.Add(node);
            if (request.Document.Length > 0 && document != request.Document) continue;
            SpaceSnapshot has = now.As(node);
            Add(new V1.FleetNode
            {
                Node = node,
                Document = document,
                Release = state.Release,
                State = StateOf(has, node, document, state),
                Message = state.Message,
                SinceUnixMs = state.SinceUnixMs,
                HeardMsAgo = _states.Age(state),
                ExpectedRelease = has.ReleaseOf(document),
            });
        }

        foreach (string node in now.State.Nodes.Keys.Where(n => !heard.Contains(n)))
            Add(new V1.FleetNode { Node = node, Document = request.Document, State = "silent", Message = "nothing was heard of it", HeardMsAgo = -1, ExpectedRelease = request.Document.Length > 0 ? now.As(node).ReleaseOf(request.Document) : 0 });
        return answer;

        void Add(V1.FleetNode node)
        {
            answer.Counts[node.State] = answer.Counts.TryGetValue(node.State, out long count) ? count + 1 : 1;
            if ((request.State.Length == 0 || node.State == request.State) && answer.Nodes.Count < limit) answer.Nodes.Add(node);
        }
    }

    /// <param name="now">As the node has it.</param>
    /// <param name="node">The node.</param>
    /// <param name="document">The document.</param>
    /// <param name="state">What its agent said.</param>
    private string StateOf(SpaceSnapshot now, string node, string document, FleetStates.State state)
    {
        if (_states.Age(state) > RolloutObserver.SilentAfter.TotalMilliseconds) return "silent";
        if (state.Name != "applied") return state.Name;
        bool isCurrent = state.Hash.Length > 0
            ? now.Fleet.Effective(node, document, now.Inputs) is { } effective && state.Hash.Span.SequenceEqual(effective.Hash)
            : state.Release >= Math.Max(now.ReleaseOf(document), now.State.NodesHead);
        return isCurrent ? "current" : "behind";
    }
}
