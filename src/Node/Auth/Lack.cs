using Conclave.Store;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Auth;

/// <summary>What a look at somebody's permissions found: nothing is lacking, or what is, for the answer and for the audit.</summary>
/// <param name="Error">None where nothing is lacking.</param>
/// <param name="Name">Of what the permission is on, for the audit. Null where no name says it.</param>
/// <param name="Needs">The permission in words that the caller may hear: names that he gave himself, or that every user may know.</param>
internal readonly record struct Lack(StoreError Error, string? Name = null, string? Needs = null)
{
    public static Lack Nothing => default;

    public bool IsNone => Error == StoreError.None;

    /// <param name="error">What the look at one name or range found.</param>
    /// <param name="access">Read or write.</param>
    /// <param name="name">The name.</param>
    /// <param name="withAllBelow">The permission is on all that begins with the name.</param>
    public static Lack Of(StoreError error, string access, string name, bool withAllBelow = false) =>
        error == StoreError.None ? Nothing : new(error, name, $"{access} permission on {name}{(withAllBelow ? " and all below it" : "")}");

    /// <summary>The same where the name comes from what is stored, and the caller may not know it: other words go to him.</summary>
    /// <param name="needs">Words that name nothing but what he asked about.</param>
    public Lack Unnamed(string needs) => IsNone || Name is null ? this : this with { Needs = needs };

    /// <summary>The first of two that lacks something.</summary>
    public Lack Or(Func<Lack> next) => IsNone ? next() : this;

    /// <summary>The status for the caller. It begins as the one without this, which programs may know.</summary>
    public GrpcStatus Told(in GrpcStatus status) =>
        Needs is null || status.Code != GrpcCode.PermissionDenied ? status : new GrpcStatus(status.Code, $"{status.Message}; this takes {Needs}");
}
