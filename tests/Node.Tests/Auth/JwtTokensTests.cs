using System.Security.Cryptography;
using System.Text;
using Conclave.Node.Auth;
using Conclave.Node.Tests.Nodes;
using Conclave.Store;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Auth;

public sealed class JwtTokensTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly SteppedTime _time = new();
    private readonly AuthStates _states = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public async Task A_member_with_the_key_recognises_what_another_issued(string method)
    {
        (string pair, string publicOnly) = Keys(method);
        JwtTokens issuer = Open(pair);
        string token = issuer.Issue(_states.Now, _states.Alice);

        CommandIdentity who = await Open(publicOnly).ReadAsync(token, _states.Now);

        Assert.Equal(("alice", _states.Now.Revision), (who.User, who.AuthRevision));
        Assert.Equal(3, token.Split('.').Length);
        Assert.Contains("\"username\":\"alice\"", Encoding.UTF8.GetString(FromBase64Url(token.Split('.')[1])));
    }

    [Fact]
    public async Task A_token_ends_by_its_time_however_often_it_is_used()
    {
        JwtTokens tokens = Open(Keys("ES256").Pair + ",ttl=10m");
        string token = tokens.Issue(_states.Now, _states.Alice);
        for (int i = 0; i < 9; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal("alice", (await tokens.ReadAsync(token, _states.Now)).User);
        }

        _time.Advance(TimeSpan.FromMinutes(1.1));
        Assert.True((await tokens.ReadAsync(token, _states.Now)).IsNone);
        Assert.True((await Open(Keys("ES256").Pair).ReadAsync(token, _states.Now)).IsNone);
    }

    [Theory]
    [InlineData(-60, true)]
    [InlineData(60, false)]
    public async Task A_token_of_somebody_else_is_good_from_the_time_it_names(int beginsInSeconds, bool isGood)
    {
        JwtTokens tokens = Open(Keys("HS256").Pair);
        byte[] key = File.ReadAllBytes(System.IO.Path.Combine(_directory.Path, "HS256.key"));
        DateTimeOffset now = _time.GetUtcNow();
        string signed = $$"""{{ToBase64Url("""{"alg":"HS256","typ":"JWT"}""")}}.{{ToBase64Url($$"""{"username":"alice","revision":{{_states.Now.Revision}},"nbf":{{now.AddSeconds(beginsInSeconds).ToUnixTimeSeconds()}},"exp":{{now.AddHours(1).ToUnixTimeSeconds()}}}""")}}""";
        string token = $"{signed}.{ToBase64Url(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";

        Assert.Equal(!isGood, (await tokens.ReadAsync(token, _states.Now)).IsNone);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("alice", (await tokens.ReadAsync(token, _states.Now)).User);
    }

    [Fact]
    public async Task Another_key_or_another_algorithm_is_not_accepted()
    {
        (string rsa, _) = Keys("RS256");
        JwtTokens tokens = Open(rsa);
        string token = tokens.Issue(_states.Now, _states.Alice);
        Assert.True((await Open(Keys("ES256").Pair).ReadAsync(token, _states.Now)).IsNone);
        Assert.True((await Open(rsa.Replace("sign-method=RS256", "sign-method=RS384", StringComparison.Ordinal)).ReadAsync(token, _states.Now)).IsNone);

        // Signed with the public key as if that were a shared secret, or not signed at all.
        string body = token.Split('.')[1], publicKey = File.ReadAllText(System.IO.Path.Combine(_directory.Path, "RS256.pub"));
        string hs = $"{ToBase64Url("""{"alg":"HS256","typ":"JWT"}""")}.{body}", none = $"{ToBase64Url("""{"alg":"none","typ":"JWT"}""")}.{body}.";
        string forged = $"{hs}.{ToBase64Url(HMACSHA256.HashData(Encoding.UTF8.GetBytes(publicKey), Encoding.UTF8.GetBytes(hs)))}";
        foreach (string bad in (string[])[forged, none, "", "a.b.c", token[..^2], token + "x"])
            Assert.True((await tokens.ReadAsync(bad, _states.Now)).IsNone, bad);
    }

    [Fact]
    public void A_member_with_the_public_key_alone_issues_nothing()
    {
        JwtTokens tokens = Open(Keys("RS256").Public);
        Assert.Equal(GrpcCode.Unknown, Assert.Throws<GrpcException>(() => tokens.Issue(_states.Now, _states.Alice)).Status.Code);
    }

    [Fact]
    public void Keys_that_do_not_belong_together_are_refused_at_the_start()
    {
        string pair = Keys("RS256").Pair;
        using var stranger = RSA.Create(2048);
        File.WriteAllText(System.IO.Path.Combine(_directory.Path, "other.pub"), stranger.ExportSubjectPublicKeyInfoPem());
        Assert.Contains("two halves", Assert.Throws<AuthKeyException>(() => Open(pair.Replace("RS256.pub", "other.pub", StringComparison.Ordinal))).Message);
        Assert.Contains("PEM", Assert.Throws<AuthKeyException>(() => Open($"jwt,sign-method=ES256,priv-key={_directory.Path}/nothing")).Message);
    }

    [Theory]
    [InlineData("simple,x=y")]
    [InlineData("jwt")]
    [InlineData("jwt,sign-method=XX256,priv-key=k")]
    [InlineData("jwt,sign-method=EdDSA,priv-key=k")]
    [InlineData("jwt,sign-method=RS256")]
    [InlineData("jwt,sign-method=HS256,pub-key=k")]
    [InlineData("jwt,sign-method=RS256,priv-key=k,priv-key=l")]
    [InlineData("jwt,sign-method=RS256,priv-key=k,ttl=soon")]
    [InlineData("none")]
    public void What_cannot_be_meant_is_refused(string text) => Assert.Throws<FormatException>(() => AuthTokenSpec.Parse(text));

    private JwtTokens Open(string spec) => new(AuthTokenSpec.Parse(spec), _time);

    private (string Pair, string Public) Keys(string method)
    {
        string secret = System.IO.Path.Combine(_directory.Path, method + ".key"), open = System.IO.Path.Combine(_directory.Path, method + ".pub");
        if (method.StartsWith("HS", StringComparison.Ordinal))
        {
            File.WriteAllBytes(secret, RandomNumberGenerator.GetBytes(32));
            return ($"jwt,sign-method={method},priv-key={secret}", $"jwt,sign-method={method},priv-key={secret}");
        }

        using AsymmetricAlgorithm key = method.StartsWith("ES", StringComparison.Ordinal) ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2048);
        File.WriteAllText(secret, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(open, key.ExportSubjectPublicKeyInfoPem());
        return ($"jwt,sign-method={method},priv-key={secret},pub-key={open}", $"jwt,sign-method={method},pub-key={open}");
    }

    private static string ToBase64Url(string text) => ToBase64Url(Encoding.UTF8.GetBytes(text));

    private static string ToBase64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static byte[] FromBase64Url(string text) => System.Buffers.Text.Base64Url.DecodeFromChars(text);
}
