using System.Net;
using System.Text.Json;
using Conclave.Client;
using Conclave.Node.Options;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Nodes;

/// <summary>What --max-request-bytes allows is done, whoever sends it and through whichever member; what it does not allow is refused at once.</summary>
public class RequestSizeTests
{
    private const int MaxBytes = 50_000;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_largest_request_is_done_with_auth_on_and_in_a_session_through_any_member()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3, (options, _) => options with { MaxRequestBytes = MaxBytes });
        using (ConclaveClient first = Client(cluster, "n1"))
        {
            await first.Auth.AddUserAsync("root", "password", Cancelled);
            await first.Auth.GrantRoleAsync("root", "root", Cancelled);
            await first.Auth.EnableAsync(Cancelled);
        }

        foreach (string name in (string[])["n1", "n2", "n3"])
        {
            using ConclaveClient client = Client(cluster, name, new Credentials("root", "password"));
            await client.PutAsync("key", Filling(MaxBytes), cancellationToken: Cancelled);
            await using ClientSession session = await client.OpenSessionAsync(TimeSpan.FromSeconds(60), Cancelled);
            await session.PutAsync("key", Filling(MaxBytes), cancellationToken: Cancelled);
            Assert.Equal(EtcdErrors.RequestTooLarge.Message, (await Assert.ThrowsAsync<ConclaveException>(() => client.PutAsync("key", Filling(MaxBytes + 1), cancellationToken: Cancelled).AsTask())).Message);
        }
    }

    [Fact]
    public async Task What_is_too_large_for_the_leader_is_refused_at_once_though_the_member_that_was_asked_allows_it()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3, (options, _) => options with
        {
            MaxRequestBytes = options.Name == "n3" ? 10 * MaxBytes : MaxBytes,
        });
        await cluster.LeadAsync("n1");

        (HttpStatusCode status, JsonElement body) = await cluster.Node("n3").PostAsync("/v3/kv/put", new { key = "eA==", value = new string('A', 6 * MaxBytes) });

        Assert.Equal((HttpStatusCode.BadRequest, EtcdErrors.RequestTooLarge.Message), (status, MemberCluster.MessageOf(body)));
    }

    /// <summary>It refuses by the length in front, answers, and closes the way while the client still sends: the answer counts, and nobody is left in doubt whether something was written.</summary>
    [Fact]
    public async Task A_request_that_is_refused_before_all_of_it_was_read_is_a_refusal_for_our_client()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1, (options, _) => options with { MaxRequestBytes = MaxBytes });
        using ConclaveClient client = Client(cluster, "n1");
        byte[] value = new byte[5_000_000];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (int i = 0; i < 10; i++)
                Assert.Equal(typeof(ConclaveException), (await Assert.ThrowsAnyAsync<ConclaveException>(() => client.PutAsync("key", value, cancellationToken: Cancelled).AsTask())).GetType());
        }));
    }

    /// <summary>The value with which a put of "key" has just this many bytes.</summary>
    private static string Filling(int requestBytes)
    {
        var request = new PutRequest { Key = ByteString.CopyFromUtf8("key"), Value = ByteString.CopyFrom(new byte[requestBytes - 100]) };
        return new string('x', requestBytes - 100 + (requestBytes - request.CalculateSize()));   // the length takes as many bytes
    }

    private static ConclaveClient Client(MemberCluster cluster, string member, Credentials? credentials = null) => new(new ConclaveClientOptions
    {
        Endpoints = [NodeOptions.Plain(cluster.Options(member).ListenClientUrls[0])],
        Credentials = credentials,
        RequestTimeout = TimeSpan.FromSeconds(60),
        RetryPatience = TimeSpan.FromSeconds(30),
    });
}
