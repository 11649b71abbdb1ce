using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Membership;

/// <summary>Changes of the members of a running cluster, as an operator makes them: asked again while the cluster says "not now", and looked up when no answer came.</summary>
public sealed class MemberOperations(ProcessCluster cluster, TimeSpan patience)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Adds a member with an empty directory and new ports, and starts it.</summary>
    /// <returns>Its place. It serves no clients yet.</returns>
    /// <param name="cancellationToken">Ends it early; the member may have been added.</param>
    /// <param name="ownDiskMebibytes">As <see cref="ServerProcess.OwnDiskMebibytes"/>.</param>
    public async Task<int> AddAsync(CancellationToken cancellationToken, int ownDiskMebibytes = 0)
    {
        (int place, string peerUrl) = cluster.Reserve();
        IReadOnlyList<Member> members = [];
        await UntilAsync($"add {peerUrl}", async client =>
        {
            RpcResult<MemberAddResponse> answer = await client.MemberAddAsync(peerUrl, asLearner: false, CallTimeout, cancellationToken).ConfigureAwait(false);
            // Whatever was answered, the list decides: an earlier attempt may have been carried out without a word.
            members = (await client.MemberListAsync(CallTimeout, cancellationToken).ConfigureAwait(false)).Response?.Members.ToArray() ?? [];
            return (members.Any(member => member.PeerURLs.Contains(peerUrl)), answer.ToString());
        }, cancellationToken).ConfigureAwait(false);
        ServerProcess joined = cluster.Join(place, members.Select(member => (member.Name, member.PeerURLs[0])));
        joined.OwnDiskMebibytes = ownDiskMebibytes;
        joined.Start();
        return place;
    }

    /// <summary>Waits until the member votes and answers a linearizable read, so that it can take a place in the majority.</summary>
    public async Task WaitUntilVoterAsync(int place, CancellationToken cancellationToken)
    {
        string peerUrl = $"http://127.0.0.1:{cluster.Members[place].PeerPort}";
        await UntilAsync($"see {cluster.Members[place].Name} vote", async client =>
        {
            if (cluster.Members[place].HasCrashed)
                throw cluster.Failure($"{cluster.Members[place].Name} ended on its own");
            RpcResult<MemberListResponse> list = await client.MemberListAsync(CallTimeout, cancellationToken).ConfigureAwait(false);
            bool votes = list.Response?.Members.Any(member => member.PeerURLs.Contains(peerUrl) && !member.IsLearner && member.Name.Length > 0) == true;
            RpcResult<RangeResponse> read = await cluster.Clients[place].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, CallTimeout, cancellationToken).ConfigureAwait(false);
            return (votes && read.Succeeded, $"votes: {votes}, read: {read}");
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a member for good. It is not stopped.</summary>
    public async Task RemoveAsync(int place, CancellationToken cancellationToken)
    {
        string peerUrl = $"http://127.0.0.1:{cluster.Members[place].PeerPort}";
        await UntilAsync($"remove {cluster.Members[place].Name}", async client =>
        {
            if ((await client.MemberListAsync(CallTimeout, cancellationToken).ConfigureAwait(false)).Response is not { } list)
                return (false, "no list");
            if (list.Members.FirstOrDefault(member => member.PeerURLs.Contains(peerUrl)) is not { } member)
                return (true, "");
            RpcResult<MemberRemoveResponse> answer = await client.MemberRemoveAsync(member.ID, CallTimeout, cancellationToken).ConfigureAwait(false);
            return (answer.Succeeded, answer.ToString());
        }, cancellationToken, except: place).ConfigureAwait(false);
    }

    /// <summary>Asks the serving members in turn until one says that it is done.</summary>
    private async Task UntilAsync(string what, Func<MemberClient, Task<(bool IsDone, string Answer)>> attempt, CancellationToken cancellationToken, int except = -1)
    {
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; ; turn++)
        {
            int[] asked = [.. cluster.Serving.Where(place => place != except && cluster.Members[place].IsRunning)];
            (bool isDone, string answer) = await attempt(cluster.Clients[asked[turn % asked.Length]]).ConfigureAwait(false);
            if (isDone)
                return;
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw cluster.Failure($"could not {what} in {patience.TotalSeconds:0} s (last answer: {answer})");
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }
}
