using System.Diagnostics;
using System.Globalization;
using Conclave.Client.Rpc;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Sessions;

/// <summary>
/// Counts a key of its own up, each write in a session with a number (docs/protocol/sessions.md). A write whose answer is lost is sent again, to another member, until it is
/// answered. So each number has to be carried out once: what stood there before is always the number before, and the version is the number.
/// </summary>
internal sealed class OnceWriter(int id, ProcessCluster cluster, int seed) : Session(id, cluster, seed)
{
    public const string Prefix = "once/";
    private const long TtlSeconds = 86_400;   // longer than any run: nobody renews it
    private const int CodeAlreadyThere = 9;   // FailedPrecondition: an earlier attempt at the grant was carried out
    private readonly Dictionary<int, MemberClient> _clients = [];   // of its own: each call has other metadata
    private bool _isOpen;
    private long _number = 1;
    private int _attempts;

    private long Lease => 1_000_000 + Id;

    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Id:D3}");

    /// <summary>The last number that was answered.</summary>
    public long Answered { get; private set; }

    /// <summary>Writes that were sent again after an attempt whose outcome nobody knew.</summary>
    public int Repeats { get; private set; }

    /// <summary>Answers that cannot be.</summary>
    public List<string> Surprises { get; } = [];

    protected override async Task StepAsync(int member)
    {
        if (!_isOpen)
        {
            RpcResult<LeaseGrantResponse> grant = await Cluster.Clients[member].LeaseGrantAsync(Lease, TtlSeconds, CallTimeout).ConfigureAwait(false);
            _isOpen = grant.Succeeded || grant.Code == CodeAlreadyThere;
            return;
        }

        if (!_clients.TryGetValue(member, out MemberClient? client))
            _clients.Add(member, client = new MemberClient(Cluster.Members[member].ClientUrl, Cluster.Options.ClientTls));
        client.Metadata = RpcMetadata.Of("conclave-session", Lease.ToString(CultureInfo.InvariantCulture)).With("conclave-sequence", _number.ToString(CultureInfo.InvariantCulture));
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(Key), Value = ByteString.CopyFromUtf8(_number.ToString(CultureInfo.InvariantCulture)), PrevKv = true };
        long called = Stopwatch.GetTimestamp();
        RpcResult<PutResponse> answer = await client.PutAsync(put, CallTimeout).ConfigureAwait(false);
        _attempts++;
        // A repeat has the answer of the attempt that was carried out, with its revision, which may be an old one by now.
        Note(answer, called, isWrite: true, _attempts == 1 ? answer.Response?.Header : null);
        if (answer.Outcome == RpcOutcome.Unknown)
        {
            Repeats++;
        }
        else if (answer.Response is { } done)
        {
            string before = done.PrevKv?.Value.ToStringUtf8() ?? "0";
            if (before != (_number - 1).ToString(CultureInfo.InvariantCulture))
                Surprises.Add($"Write {_number} of {Key} found {before}.");
            (Answered, _number, _attempts) = (_number, _number + 1, 0);
        }
        else if (IsRefusalForGood(answer.Code))
        {
            Surprises.Add($"Write {_number} of {Key} was refused: {answer}.");
        }
    }

    /// <summary>Too many requests, and a call that never left, may do better next time; the store has no reason to refuse any of these.</summary>
    private static bool IsRefusalForGood(int code) => code is not (8 or 14);

    protected override void OnEnd()
    {
        foreach (MemberClient client in _clients.Values)
            client.Dispose();
    }
}
