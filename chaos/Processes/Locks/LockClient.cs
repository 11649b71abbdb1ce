using System.Diagnostics;
using System.Globalization;
using Conclave.Processes.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Google.Protobuf;

namespace Conclave.Processes.Locks;

/// <summary>Wants a lock or an election again and again, at any member; writes with its token when it was told that it holds; leaves in one way or another.</summary>
internal sealed class LockClient(int id, IReadOnlyList<MemberClient> members, int seed)
{
    private const int RetriesMax = 6;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2), WaitPatience = TimeSpan.FromSeconds(90);
    private readonly Random _random = new(seed);
    private int _count;

    public List<LockAttempt> Attempts { get; } = [];

    public List<GuardedWrite> Writes { get; } = [];

    private MemberClient Anyone => members[_random.Next(members.Count)];

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // The client's number and the seed keep the leases of all runs apart.
            long lease = ((long)(seed + 1) << 32) | (uint)++_count;
            var held = new HeldLease(members, lease, _random.Next(1, 6), _random);
            if (await held.GrantAsync().ConfigureAwait(false))
                await ContendAsync(held, stop).ConfigureAwait(false);
            else
                await Task.Delay(50, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task ContendAsync(HeldLease lease, CancellationToken stop)
    {
        bool forgetsToRenew = _random.Next(100) < 10;
        if (!forgetsToRenew)
            lease.Renew();
        string name = LockNames.All[_random.Next(LockNames.All.Length)];
        (LockAttempt, LeaderKey)? won = await EnterAsync(lease, name).ConfigureAwait(false);
        if (won is not ({ } attempt, { } leader))
        {
            await lease.StopRenewingAsync().ConfigureAwait(false);
            return;
        }
        if (_random.Next(100) < 12 && !stop.IsCancellationRequested)
        {
            // Forgets its lease for longer than that lasts, and then goes on as if nothing had been.
            await lease.StopRenewingAsync().ConfigureAwait(false);
            await Task.Delay(_random.Next(500, 7_000), CancellationToken.None).ConfigureAwait(false);
        }
        int writes = attempt.Token == 0 ? 0 : _random.Next(1, 6);
        for (int i = 0; i < writes && await WriteAsync(attempt).ConfigureAwait(false); i++)
            await Task.Delay(_random.Next(20), CancellationToken.None).ConfigureAwait(false);
        await LeaveAsync(lease, attempt, leader).ConfigureAwait(false);
        // With the key gone or somebody else's, the token must not open anything any more.
        if (writes > 0 && _random.Next(2) == 0)
            await WriteAsync(attempt).ConfigureAwait(false);
    }

    /// <summary>Asks until there is an answer, at another member when one breaks off, as clients do; some hang up for good.</summary>
    private async Task<(LockAttempt, LeaderKey)?> EnterAsync(HeldLease lease, string name)
    {
        for (int attempt = 0; attempt < RetriesMax; attempt++)
        {
            bool hangsUp = _random.Next(100) < 15;
            TimeSpan patience = hangsUp ? TimeSpan.FromMilliseconds(_random.Next(2_000)) : WaitPatience;
            (LockAttempt tried, LeaderKey leader) = await AskAsync(lease, name, patience).ConfigureAwait(false);
            if (tried.End == LockEnd.NeverEnded && hangsUp)
                tried = tried with { End = LockEnd.Broken };
            if (tried.End == LockEnd.Granted)
                tried = tried with { Token = leader.Rev != 0 ? leader.Rev : await TokenAsync(tried.Key).ConfigureAwait(false) };
            Attempts.Add(tried);
            if (tried.End == LockEnd.Granted)
                return (tried, leader);
            if (tried.End != LockEnd.Broken || _random.Next(3) == 0)
                return null;
        }
        return null;
    }

    private async Task<(LockAttempt, LeaderKey)> AskAsync(HeldLease lease, string name, TimeSpan patience)
    {
        long called = Stopwatch.GetTimestamp();
        LockAttempt Ended<T>(RpcResult<T> answer, string? key, ResponseHeader? header)
            where T : class => new()
            {
                Client = id,
                Name = name,
                Lease = lease.Id,
                Called = called,
                Ended = Stopwatch.GetTimestamp(),
                End = answer switch { { Succeeded: true } => LockEnd.Granted, { Code: (int)Wire.Grpc.GrpcCode.DeadlineExceeded } => LockEnd.NeverEnded, { Outcome: RpcOutcome.Refused, Code: not (int)Wire.Grpc.GrpcCode.Unavailable } => LockEnd.Refused, _ => LockEnd.Broken },
                Said = answer.Succeeded ? "" : answer.Message,
                Key = key ?? "",
                Revision = header?.Revision ?? 0,
                HeldUntil = lease.SurelyUntil,
            };
        if (LockNames.IsElection(name))
        {
            var won = await Anyone.CampaignAsync(name, lease.Id, id.ToString(CultureInfo.InvariantCulture), patience).ConfigureAwait(false);
            return (Ended(won, won.Response?.Leader.Key.ToStringUtf8(), won.Response?.Header), won.Response?.Leader ?? new LeaderKey());
        }
        var locked = await Anyone.LockAsync(name, lease.Id, patience).ConfigureAwait(false);
        return (Ended(locked, locked.Response?.Key.ToStringUtf8(), locked.Response?.Header), new LeaderKey { Key = locked.Response?.Key ?? ByteString.Empty });
    }

    private async Task<long> TokenAsync(string key)
    {
        for (int attempt = 0; attempt < RetriesMax; attempt++)
        {
            RpcResult<RangeResponse> read = await Anyone.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, CallTimeout).ConfigureAwait(false);
            if (read.Response is { } answer)
                return answer.Kvs.Count == 0 ? 0 : answer.Kvs[0].CreateRevision;
        }
        return 0;
    }

    private async Task<bool> WriteAsync(LockAttempt held)
    {
        ByteString key = ByteString.CopyFromUtf8(held.Key);
        var txn = new TxnRequest
        {
            Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = held.Token } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8($"guarded/{held.Name}"), Value = ByteString.CopyFromUtf8(held.Token.ToString(CultureInfo.InvariantCulture)) } } },
        };
        long called = Stopwatch.GetTimestamp();
        RpcResult<TxnResponse> answer = await Anyone.TxnAsync(txn, CallTimeout).ConfigureAwait(false);
        GuardedEnd end = answer.Response is { } response ? response.Succeeded ? GuardedEnd.Done : GuardedEnd.Refused : GuardedEnd.Unknown;
        Writes.Add(new GuardedWrite(id, held.Name, held.Key, held.Token, called, end, answer.Response?.Header.Revision ?? 0));
        return end != GuardedEnd.Refused;
    }

    private async Task LeaveAsync(HeldLease lease, LockAttempt held, LeaderKey leader)
    {
        await lease.StopRenewingAsync().ConfigureAwait(false);
        long leaving = Stopwatch.GetTimestamp();
        int way = _random.Next(100);
        // Who walks away leaves the lock to the end of its lease.
        long until = way < 92 ? Math.Min(leaving, lease.SurelyUntil) : lease.SurelyUntil;
        Attempts[Attempts.IndexOf(held)] = held with { HeldUntil = until };
        if (way < 60 && LockNames.IsElection(held.Name))
            await Anyone.ResignAsync(leader, CallTimeout).ConfigureAwait(false);
        else if (way < 60)
            await Anyone.UnlockAsync(held.Key, CallTimeout).ConfigureAwait(false);
        else if (way < 92)
            await Anyone.LeaseRevokeAsync(lease.Id, CallTimeout).ConfigureAwait(false);
    }
}

/// <summary>What the clients compete for.</summary>
internal static class LockNames
{
    public const string Prefix = "queue/";
    public static readonly string[] All = [$"{Prefix}lock-1", $"{Prefix}lock-2", $"{Prefix}lock-3", $"{Prefix}lock-4", $"{Prefix}election-1", $"{Prefix}election-2"];

    public static IEnumerable<string> Elections => All.Where(IsElection);

    public static bool IsElection(string name) => name.Contains("election", StringComparison.Ordinal);
}
