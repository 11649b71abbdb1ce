using System.Collections.Immutable;
using System.Net.Http.Headers;

namespace Conclave.Client.Rpc;

/// <summary>Request headers sent with a call. Immutable; build once and share.</summary>
public sealed class RpcMetadata
{
    /// <summary><c>hasleader: true</c>: the server refuses the call, or ends the stream, while it sees no leader.</summary>
    public static RpcMetadata RequireLeader { get; } = new RpcMetadata([]).With("hasleader", "true");

    private readonly ImmutableArray<(string Name, string Value)> _headers;

    private RpcMetadata(ImmutableArray<(string Name, string Value)> headers) => _headers = headers;

    /// <summary>A single header.</summary>
    public static RpcMetadata Of(string name, string value) => new RpcMetadata([]).With(name, value);

    /// <summary>These headers and one more.</summary>
    /// <param name="name">Lower case letters, digits and <c>-_.</c></param>
    /// <param name="value">Printable ASCII.</param>
    public RpcMetadata With(string name, string value) => new(_headers.Add((name, value)));

    internal void AddTo(HttpRequestHeaders headers)
    {
        foreach ((string name, string value) in _headers) headers.TryAddWithoutValidation(name, value);
    }
}
