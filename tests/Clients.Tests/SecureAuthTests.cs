using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Conclave.Clients.Tests.Tls;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests;

/// <summary>Users over TLS: by the common name of their certificate, by a password beside one, with tokens of both kinds. The same runs against etcd, as a check of the test.</summary>
public sealed class SecureAuthTests
{
    // A login counts to the first of them, and costs a busy machine seconds.
    private static readonly string[] Patience = ["--dial-timeout=20s", "--command-timeout=20s"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ServerKind.Conclave, false)]
    [InlineData(ServerKind.Conclave, true)]
    [InlineData(ServerKind.Etcd, false)]
    [InlineData(ServerKind.Etcd, true)]
    public async Task Users_are_known_by_certificate_or_password_and_may_do_what_their_roles_say(ServerKind kind, bool signed)
    {
        Requires.Etcdctl();
        Assert.SkipWhen(kind == ServerKind.Etcd && !Clusters.HasEtcd, "etcd is not installed. Run: apt-get install etcd-server");
        using TlsCluster cluster = await TlsCluster.StartAsync(kind, Cancellation, directory => signed ? SignedTokens(directory) : []);
        foreach (string command in (string[])["user add root:secret", "user add alice:wonder", "user add carol --no-password", "role add app", "role grant-permission app readwrite /app/ --prefix",
            "user grant-role alice app", "user grant-role carol app", "role add tooz", "role grant-permission tooz readwrite tooz --prefix", "role grant-permission tooz readwrite /locks/ --prefix",
            "user grant-role carol tooz", "auth enable"])
            await DoneAsync(cluster, [.. cluster.Flags, .. command.Split(' ')]);

        (string certificate, string key) carol = cluster.Authority.Issue("carol");
        await EtcdctlAsync(cluster, carol);
        await GatewayAsync(cluster, kind == ServerKind.Etcd, signed);
        await PythonAsync(cluster, carol);
    }

    private static async Task EtcdctlAsync(TlsCluster cluster, (string Certificate, string Key) carol)
    {
        string[] asCarol = ["--endpoints", cluster.Endpoints, "--cacert", cluster.Authority.AuthorityFile, "--cert", carol.Certificate, "--key", carol.Key];
        await DoneAsync(cluster, [.. asCarol, "put", "/app/carol", "1"]);
        await RefusedAsync(cluster, "permission denied", [.. asCarol, "put", "/other", "1"]);
        await RefusedAsync(cluster, "permission denied", [.. asCarol, "user", "list"]);
        await DoneAsync(cluster, [.. cluster.Flags, "--user", "alice:wonder", "put", "/app/alice", "1"]);
        await DoneAsync(cluster, [.. asCarol, "--user", "root:secret", "user", "list"]);   // who logs in is not the one of the certificate
        await RefusedAsync(cluster, "permission denied", [.. cluster.Flags, "--user", "alice:wonder", "get", "/other"]);
        await RefusedAsync(cluster, "authentication failed", [.. cluster.Flags, "--user", "alice:wrong", "put", "/app/alice", "2"]);
        await RefusedAsync(cluster, "", [.. cluster.Flags, "put", "/app/nobody", "1"]);   // a certificate of no user
    }

    /// <summary>JSON: certificates name nobody there (etcd turns away those that try), tokens do. What a change of roles does to a token depends on its kind.</summary>
    private static async Task GatewayAsync(TlsCluster cluster, bool isEtcd, bool signed)
    {
        using HttpClient client = Client(cluster, cluster.Authority.IssueNameless());
        (HttpStatusCode status, JsonElement answer) = await PostAsync(client, "kv/put", new { key = Base64("/app/json"), value = "" }, null);
        // etcd's gateway comes to its own server with that one's certificate, which is no user's either.
        (HttpStatusCode, string) nobody = isEtcd ? (HttpStatusCode.Forbidden, "etcdserver: permission denied") : (HttpStatusCode.BadRequest, "etcdserver: user name is empty");
        Assert.Equal(nobody, (status, answer.GetProperty("error").GetString()));

        string old = await LogInAsync(client);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(client, "kv/put", new { key = Base64("/app/json"), value = "" }, old)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(client, "kv/put", new { key = Base64("/other"), value = "" }, old)).Status);
        await DoneAsync(cluster, [.. cluster.Flags, "--user", "root:secret", "role", "add", "later"]);
        (HttpStatusCode ofRead, JsonElement read) = await PostAsync(client, "kv/range", new { key = Base64("/app/json") }, old);
        (HttpStatusCode ofWrite, JsonElement write) = await PostAsync(client, "kv/put", new { key = Base64("/app/json"), value = "" }, old);
        if (signed)
        {
            Assert.Equal((HttpStatusCode.BadRequest, "etcdserver: revision of auth store is old"), (ofRead, read.GetProperty("error").GetString()));
            Assert.Equal((HttpStatusCode.BadRequest, "etcdserver: revision of auth store is old"), (ofWrite, write.GetProperty("error").GetString()));
        }
        else
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (ofRead, ofWrite));
        }
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(client, "kv/put", new { key = Base64("/app/json"), value = "" }, await LogInAsync(client))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(client, "kv/put", new { key = Base64("/app/json"), value = "" }, "rubbish")).Status);
    }

    private static async Task PythonAsync(TlsCluster cluster, (string Certificate, string Key) carol)
    {
        Requires.PythonModule("etcd3", "python3-etcd3");
        Requires.PythonModule("tooz", "python3-tooz");
        string program = Path.Combine(AppContext.BaseDirectory, "Programs", "python_tls_auth.py");
        Programs.Ended ended = await Programs.RunAsync(Requires.Python, [program, cluster.Ports[0].ToString(CultureInfo.InvariantCulture), cluster.Authority.AuthorityFile, carol.Certificate, carol.Key],
            null, PythonTests.Environment, Cancellation);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    /// <summary>Flags for tokens that every member can check by itself.</summary>
    private static string[] SignedTokens(string directory)
    {
        using var key = RSA.Create(2048);
        (string secret, string open) = (Path.Combine(directory, "jwt.key"), Path.Combine(directory, "jwt.pub"));
        File.WriteAllText(secret, key.ExportRSAPrivateKeyPem());
        File.WriteAllText(open, key.ExportSubjectPublicKeyInfoPem());
        return ["--auth-token", $"jwt,pub-key={open},priv-key={secret},sign-method=RS256,ttl=10m"];
    }

    private static async Task DoneAsync(TlsCluster cluster, string[] command)
    {
        Programs.Ended ended = await cluster.EtcdctlAsync([.. Patience, .. command], Cancellation);
        Assert.True(ended.ExitCode == 0, $"etcdctl {string.Join(' ', command[8..])}: {ended.Error}");
    }

    private static async Task RefusedAsync(TlsCluster cluster, string why, string[] command)
    {
        Programs.Ended ended = await cluster.EtcdctlAsync([.. Patience, .. command], Cancellation);
        Assert.True(ended.ExitCode != 0, $"etcdctl {string.Join(' ', command[8..])} was let through: {ended.Output}");
        Assert.Contains(why, ended.Error, StringComparison.Ordinal);
    }

    private static HttpClient Client(TlsCluster cluster, (string Certificate, string Key) who)
    {
        X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(cluster.Authority.AuthorityFile);
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(who.Certificate, who.Key)];
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { authority } };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{cluster.Ports[0]}/v3/"), Timeout = TimeSpan.FromSeconds(60) };
    }

    private static async Task<string> LogInAsync(HttpClient client)
    {
        (HttpStatusCode status, JsonElement answer) = await PostAsync(client, "auth/authenticate", new { name = "alice", password = "wonder" }, null);
        Assert.Equal(HttpStatusCode.OK, status);
        return answer.GetProperty("token").GetString()!;   // there, or it would have thrown
    }

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(HttpClient client, string path, object body, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (token is not null)
            request.Headers.TryAddWithoutValidation("Authorization", token);
        using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
