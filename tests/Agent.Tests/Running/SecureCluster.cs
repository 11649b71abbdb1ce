using System.Collections.Immutable;
using System.Security.Cryptography;
using Conclave.Client;
using Conclave.Client.Rpc;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node;
using Conclave.Node.Options;
using Conclave.Node.Tests.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>Three members with TLS for their clients, and users. n1 and n2 ask for certificates; n3 does not, for those who log in with a password.</summary>
internal sealed class SecureCluster : IAsyncDisposable
{
    private readonly string _directory;
    private readonly SortedDictionary<string, NodeOptions> _options = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ConclaveNode> _running = new(StringComparer.Ordinal);

    private SecureCluster(string directory)
    {
        _directory = directory;
        Authority = new TestAuthority(directory);
        Issued server = Authority.Issue("server");
        string secrets = Path.Combine(directory, "secrets.key");
        File.WriteAllText(secrets, SecretKeyRing.LineOf(RandomNumberGenerator.GetBytes(SecretKeyRing.KeyBytes)) + "\n");
        File.SetUnixFileMode(secrets, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        InitialMember[] members = [.. Enumerable.Range(1, 3).Select(i => new InitialMember($"n{i}", [Machine.FreeUrl()]))];
        foreach (InitialMember member in members)
        {
            _options[member.Name] = new NodeOptions
            {
                Name = member.Name,
                DataDir = Path.Combine(directory, member.Name),
                ListenClientUrls = [new UriBuilder(Machine.FreeUrl()) { Scheme = "https" }.Uri],
                ListenPeerUrls = member.PeerUrls,
                InitialCluster = members,
                SecretsKeyFile = secrets,
                ClientTls = new TlsOptions { Prefix = "", CertFile = server.CertFile, KeyFile = server.KeyFile, CertAuth = member.Name != "n3", TrustedCaFile = member.Name == "n3" ? null : Authority.CertFile },
            };
        }

        Issued root = Authority.Issue("root");
        Root = new ConclaveClient(new ConclaveClientOptions
        {
            Endpoints = [.. new[] { "n2", "n1" }.Select(n => $"https://{Address(n)}")],
            Channel = new RpcChannelOptions { Tls = Authority.Client(root) },
            RequestTimeout = TimeSpan.FromSeconds(60),
            RetryPatience = TimeSpan.FromSeconds(60),
        });
    }

    public TestAuthority Authority { get; }

    /// <summary>May do everything.</summary>
    public ConclaveClient Root { get; }

    public static async Task<SecureCluster> StartAsync(string directory)
    {
        var cluster = new SecureCluster(Directory.CreateDirectory(directory).FullName);
        foreach ((string name, NodeOptions options) in cluster._options)
        {
            var node = cluster._running[name] = new ConclaveNode(options, NullLoggerFactory.Instance, _ => { });
            await node.StartAsync(CancellationToken.None);
        }

        AuthClient auth = cluster.Root.Auth;
        await auth.AddUserAsync("root", password: null);
        await auth.AddRoleAsync("root");
        await auth.GrantRoleAsync("root", "root");
        await auth.EnableAsync();
        return cluster;
    }

    /// <summary>host:port, as a configuration without a scheme has it.</summary>
    public string Address(string member) => _options[member].ListenClientUrls[0].Authority;

    public async Task StopAsync(string member)
    {
        if (_running.Remove(member, out ConclaveNode? node)) await node.DisposeAsync();
    }

    /// <param name="name">Of the user, and of its role.</param>
    /// <param name="password">Null for one that is known by its certificate.</param>
    /// <param name="permissions">All that it may do.</param>
    public async Task AddUserAsync(string name, string? password, IEnumerable<Permission> permissions)
    {
        await Root.Auth.AddUserAsync(name, password);
        await Root.Auth.AddRoleAsync(name);
        await Root.Auth.GrantRoleAsync(name, name);
        foreach (Permission permission in permissions) await Root.Auth.GrantPermissionAsync(name, permission);
    }

    public async Task<long> PublishAsync(V1.Change change) => (await Root.Configuration.PublishAsync(new V1.PublishRequest { Change = change, Reason = "test" })).Release;

    public async Task<ImmutableArray<string>> FleetAsync(string document)
    {
        try
        {
            return [.. (await Root.Configuration.FleetAsync(new V1.FleetRequest { Document = document })).Nodes.Select(n => $"{n.Node} {n.State} r{n.Release}{n.Message}")];
        }
        catch (ConclaveException)
        {
            return [];   // a leader is being elected
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Root.DisposeAsync();
        foreach (ConclaveNode node in _running.Values) await node.DisposeAsync();
        Authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
