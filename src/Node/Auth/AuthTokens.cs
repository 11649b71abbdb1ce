using Conclave.Node.Options;

namespace Conclave.Node.Auth;

/// <summary>Makes the tokens that the options ask for.</summary>
internal static class AuthTokens
{
    /// <exception cref="AuthKeyException">A key file cannot be used.</exception>
    public static ITokens Of(NodeOptions options, TimeProvider time)
    {
        AuthTokenSpec spec = AuthTokenSpec.Parse(options.AuthToken);
        return spec.IsJwt ? new JwtTokens(spec, time) : new SimpleTokens(time, options.AuthTokenTtl);
    }
}
