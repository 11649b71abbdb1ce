using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Node.Http;

/// <summary>A plain HTTP request: GET or HEAD of a registered path.</summary>
/// <param name="Path">Decoded, without the query.</param>
/// <param name="Query">Decoded values by name; a name may repeat.</param>
public readonly record struct PlainRequest(string Path, IReadOnlyList<KeyValuePair<string, string>> Query)
{
    /// <summary>True when the query has this name, whatever the value.</summary>
    public bool Has(string name)
    {
        foreach (KeyValuePair<string, string> pair in Query)
        {
            if (pair.Key == name)
                return true;
        }

        return false;
    }
}

/// <summary>The answer to a <see cref="PlainRequest"/>.</summary>
/// <param name="Status">HTTP status, e.g. 200 or 503.</param>
/// <param name="ContentType">E.g. <c>application/json</c>.</param>
/// <param name="Body">Sent as it is.</param>
public readonly record struct PlainResponse(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    /// <summary>A text answer as Go's server writes it.</summary>
    public static PlainResponse Text(int status, string text) =>
        new(status, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A JSON answer from ready JSON text.</summary>
    public static PlainResponse Json(int status, string json) => new(status, "application/json", System.Text.Encoding.UTF8.GetBytes(json));
}

/// <summary>Serves one plain HTTP path.</summary>
/// <param name="request">GET or HEAD; for HEAD the listener drops the body.</param>
/// <param name="cancellationToken">The client went away or the server stops.</param>
public delegate ValueTask<PlainResponse> PlainHandler(PlainRequest request, CancellationToken cancellationToken);

/// <summary>The plain HTTP paths of a node: /health, /version, /metrics and the like. Filled before the listener starts.</summary>
public sealed class PlainRoutes
{
    private readonly Dictionary<string, PlainHandler> _routes = [];
    private FrozenDictionary<string, PlainHandler>? _frozen;

    /// <param name="path">Exact, e.g. <c>/readyz/serializable_read</c>.</param>
    /// <param name="handler">Serves it.</param>
    /// <exception cref="ArgumentException">The path is taken.</exception>
    public void Add(string path, PlainHandler handler) => _routes.Add(path, handler);

    internal void Freeze() => _frozen = _routes.ToFrozenDictionary(StringComparer.Ordinal);

    internal bool TryFind(string path, [NotNullWhen(true)] out PlainHandler? handler)
    {
        handler = null;
        return _frozen is not null && _frozen.TryGetValue(path, out handler);
    }
}
