using Conclave.Store;

namespace Conclave.Node.Auth;

/// <summary>How users prove who they are after they have logged in.</summary>
internal interface ITokens
{
    /// <summary>
    /// Who comes with a token is recognised at the auth revision of the state it is held against; else at the one that the token names, and
    /// becomes a stranger when that is old.
    /// </summary>
    bool FollowsState { get; }

    /// <summary>A token for somebody whose password was right.</summary>
    /// <exception cref="Wire.Grpc.GrpcException">This member cannot make any.</exception>
    string Issue(AuthState auth, AuthUser user);

    /// <summary>Who a token names; none when it is not good, or not any more.</summary>
    /// <param name="token">Any text.</param>
    /// <param name="auth">What it is held against; auth is on there.</param>
    ValueTask<CommandIdentity> ReadAsync(string token, AuthState auth);
}
