using System.Net.Security;
using Conclave.Client;
using Conclave.Client.Rpc;
using Conclave.Extensions.Configuration;
using Conclave.Node;
using Conclave.Node.Options;
using Conclave.Node.Tests.Tls;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests.Configuration;

/// <summary>A cluster that wants to know who asks, over TLS.</summary>
public sealed class SecureProviderTests : IDisposable
{
    private const string Password = "correct horse battery staple";

    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-ext-").FullName;
    private readonly TestAuthority _authority;

    public SecureProviderTests() => _authority = new TestAuthority(_directory);

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_program_is_known_by_its_certificate_or_by_a_password_and_needs_to_read_its_node_and_documents(bool byCertificate)
    {
        Issued server = _authority.Issue("server");
        var url = new UriBuilder(RunningNode.FreeUrl()) { Scheme = "https" }.Uri;
        await using var node = new ConclaveNode(new NodeOptions
        {
            DataDir = Path.Combine(_directory, "data"),
            ListenClientUrls = [url],
            ListenPeerUrls = [RunningNode.FreeUrl()],
            ElectionTimeout = TimeSpan.FromMilliseconds(500),
            ClientTls = new TlsOptions { Prefix = "", CertFile = server.CertFile, KeyFile = server.KeyFile, CertAuth = byCertificate, TrustedCaFile = byCertificate ? _authority.CertFile : null },
        }, NullLoggerFactory.Instance, cause => Assert.Fail(cause.ToString()));
        await node.StartAsync(CancellationToken.None);
        await using ConclaveClient root = await WithUsersAsync(url);
        await PublishAsync(root, new V1.Change { Nodes = { new V1.NodeEdit { Node = "c1" } }, Entries = { Set("1") } });

        SslClientAuthenticationOptions own = byCertificate ? _authority.Client(_authority.Issue("app")) : _authority.Client();
        IConfigurationRoot built = Build(url, own, byCertificate ? null : new Credentials("app", Password));
        using var disposed = (IDisposable)built;
        Assert.Equal("1", built["nova:k"]);
        await PublishAsync(root, new V1.Change { Entries = { Set("2") } });
        await RunningNode.EventuallyAsync("the change is there", () => built["nova:k"] == "2");

        ConclaveConfigurationException refused = Assert.Throws<ConclaveConfigurationException>(() => byCertificate
            ? Build(url, _authority.Client(_authority.Issue("somebody")), null)
            : Build(url, own, new Credentials("app", "guessed")));
        Assert.Contains(byCertificate ? "permission denied" : "authentication failed", refused.Message, StringComparison.Ordinal);
        using var stranger = new TestAuthority(_directory, "stranger");
        foreach (int seconds in (int[])[1, 20])   // a busy machine may not have come so far within the first
        {
            refused = Assert.Throws<ConclaveConfigurationException>(() => Build(url, stranger.Client(), null, TimeSpan.FromSeconds(seconds)));
            if (refused.Message.Contains("TLS handshake", StringComparison.Ordinal)) break;
        }

        Assert.Contains("TLS handshake", refused.Message, StringComparison.Ordinal);
    }

    private async Task<ConclaveClient> WithUsersAsync(Uri url)
    {
        SslClientAuthenticationOptions tls = _authority.Client(_authority.Issue("root"));
        var options = new ConclaveClientOptions { Endpoints = [url.OriginalString], Channel = new RpcChannelOptions { Tls = tls }, RetryPatience = TimeSpan.FromSeconds(60), RequestTimeout = TimeSpan.FromSeconds(60) };
        await using var nobody = new ConclaveClient(options);
        foreach ((string user, Permission[] permissions) in ((string, Permission[])[])[("root", []), ("app", [new(PermissionKind.Read, KeyRange.Single("/conclave/default/n/c1")), new(PermissionKind.Read, KeyRange.Prefix("/conclave/default/e/nova/"))])])
        {
            await nobody.Auth.AddUserAsync(user, Password);
            await nobody.Auth.AddRoleAsync(user);
            await nobody.Auth.GrantRoleAsync(user, user);
            foreach (Permission permission in permissions) await nobody.Auth.GrantPermissionAsync(user, permission);
        }

        await nobody.Auth.EnableAsync();
        return new ConclaveClient(options with { Credentials = new Credentials("root", Password) });
    }

    private static async Task PublishAsync(ConclaveClient root, V1.Change change) => await root.Configuration.PublishAsync(new V1.PublishRequest { Change = change, Reason = "test" });

    private static V1.EntryEdit Set(string json) => new() { Document = "nova", Scope = "*", Key = "k", Op = "set", Value = json };

    private static IConfigurationRoot Build(Uri url, SslClientAuthenticationOptions tls, Credentials? credentials, TimeSpan? patience = null) => new ConfigurationBuilder().AddConclave(o =>
    {
        o.Endpoints.Add(url);
        o.Node = "c1";
        o.Documents.Add("nova");
        o.Tls = tls;
        o.Credentials = credentials;
        o.StartupTimeout = patience ?? TimeSpan.FromSeconds(60);
    }).Build();
}
