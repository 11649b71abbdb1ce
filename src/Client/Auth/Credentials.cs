namespace Conclave.Client;

/// <summary>Who a client is, where the cluster asks.</summary>
/// <param name="User">Name of a user.</param>
/// <param name="Password">Its password; is never written anywhere.</param>
public sealed record Credentials(string User, string Password)
{
    /// <summary>The name alone.</summary>
    public override string ToString() => User;
}
