using System.Security.Cryptography;
using Conclave.Store;
using Conclave.Wire.Grpc;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Conclave.Node.Auth;

/// <summary>JSON web tokens with etcd's claims: <c>username</c>, <c>revision</c>, <c>exp</c>. Every member that has the key recognises them, and so may others.</summary>
/// <remarks>They name the auth revision at which they were issued, and are of no use for keys after the next change of users or roles.</remarks>
internal sealed class JwtTokens : ITokens
{
    private const string UserClaim = "username", RevisionClaim = "revision";

    /// <summary>Tokens whose signature is known to be good; checking one again costs up to 0.1 ms.</summary>
    private const int RecentMax = 20_000;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MapInboundClaims = false };
    private readonly TokenValidationParameters _parameters;
    private readonly SigningCredentials? _signing;
    private readonly TimeProvider _time;
    private readonly TimeSpan _ttl;
    private readonly RecentTokens<Content> _recent;

    private sealed record Content(string User, ulong Revision, DateTime Ends);

    /// <exception cref="AuthKeyException">A key file cannot be used.</exception>
    public JwtTokens(AuthTokenSpec spec, TimeProvider time)
    {
        (_time, _ttl, _recent) = (time, spec.Ttl, new RecentTokens<Content>(time, spec.Ttl, RecentMax));
        SecurityKey? signing = spec.PrivateKeyFile is { } file ? Key(spec.SignMethod, file, isPrivate: true) : null;
        SecurityKey checking = spec.PublicKeyFile is { } path && !IsShared(spec.SignMethod) ? Key(spec.SignMethod, path, isPrivate: false) : signing!;   // not null: the spec has one of the two
        if (signing is not null) _signing = new SigningCredentials(signing, spec.SignMethod);
        _parameters = new TokenValidationParameters
        {
            ValidateIssuer = false,
            ValidateAudience = false,
            ValidAlgorithms = [spec.SignMethod],   // whatever the token itself says
            IssuerSigningKey = checking,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = (begins, ends, _, _) => time.GetUtcNow().UtcDateTime is var now && ends > now && !(begins > now),
        };
        CheckPair(spec, checking);
    }

    public bool FollowsState => false;

    public string Issue(AuthState auth, AuthUser user)
    {
        if (_signing is null) throw new GrpcException(GrpcCode.Unknown, "auth: token signing attempted with verify-only key");
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = new Dictionary<string, object> { [UserClaim] = user.Name, [RevisionClaim] = (long)auth.Revision },
            Expires = _time.GetUtcNow().UtcDateTime + _ttl,
            SigningCredentials = _signing,
        });
    }

    public async ValueTask<CommandIdentity> ReadAsync(string token, AuthState auth)
    {
        if (!_recent.TryUse(token, out Content? content, out _))
        {
            content = await OpenAsync(token).ConfigureAwait(false);
            if (content is null) return default;
            _recent.Add(token, content);
        }

        return content!.Ends > _time.GetUtcNow().UtcDateTime ? CommandIdentity.Of(content.User, content.Revision) : default;   // not null: found or opened
    }

    private async ValueTask<Content?> OpenAsync(string token)
    {
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, _parameters).ConfigureAwait(false);
        if (!result.IsValid || result.SecurityToken is not JsonWebToken read) return null;
        bool isWhole = read.TryGetPayloadValue(UserClaim, out string? user) & read.TryGetPayloadValue(RevisionClaim, out long revision);
        return isWhole && user is { Length: > 0 } && revision > 0 ? new Content(user, (ulong)revision, read.ValidTo) : null;
    }

    private static bool IsShared(string method) => method.StartsWith("HS", StringComparison.Ordinal);

    private static SecurityKey Key(string method, string file, bool isPrivate)
    {
        try
        {
            if (IsShared(method)) return new SymmetricSecurityKey(File.ReadAllBytes(file));
            string pem = File.ReadAllText(file);
            if (method.StartsWith("ES", StringComparison.Ordinal))
            {
                var ecdsa = ECDsa.Create();
                ecdsa.ImportFromPem(pem);
                return new ECDsaSecurityKey(ecdsa);
            }

            var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return new RsaSecurityKey(rsa);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new AuthKeyException($"--auth-token: {file} cannot be used as a {(isPrivate ? "private" : "public")} key for {method}: {problem.Message} Name a PEM file of that kind.", problem);
        }
    }

    /// <summary>A key that cannot sign, is too weak, or does not belong to the other, is found out now and not at the first login.</summary>
    private void CheckPair(AuthTokenSpec spec, SecurityKey checking)
    {
        if (_signing is null) return;
        try
        {
            SignatureProvider signer = CryptoProviderFactory.Default.CreateForSigning(_signing.Key, spec.SignMethod);
            SignatureProvider checker = CryptoProviderFactory.Default.CreateForVerifying(checking, spec.SignMethod);
            byte[] sample = [1, 2, 3];
            if (checker.Verify(sample, signer.Sign(sample))) return;
        }
        catch (Exception problem) when (problem is CryptographicException or InvalidOperationException or ArgumentException or NotSupportedException)
        {
            throw new AuthKeyException($"--auth-token: {spec.PrivateKeyFile} cannot be used to sign with {spec.SignMethod}: {problem.Message}", problem);
        }

        throw new AuthKeyException($"--auth-token: {spec.PublicKeyFile} is not the public key of {spec.PrivateKeyFile}. Name the two halves of one key.");
    }
}
