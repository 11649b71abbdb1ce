using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http;

/// <summary>All methods a node serves. Filled before the listener starts, read-only from then on.</summary>
public sealed class RpcRegistry
{
    private readonly List<RpcMethod> _methods = [];
    private readonly Dictionary<string, RpcMethod> _claimed = new(StringComparer.Ordinal);
    private FrozenDictionary<string, RpcMethod>? _byPath;
    private FrozenDictionary<string, RpcMethod>? _byHttpPath;

    /// <summary>In order of registration; the index is <see cref="RpcMethod.Ordinal"/>.</summary>
    public IReadOnlyList<RpcMethod> Methods => _methods;

    /// <exception cref="InvalidOperationException">The registry is in use, or the path or one of the HTTP paths is taken.</exception>
    public void Add(RpcMethod method)
    {
        if (_byPath is not null)
            throw new InvalidOperationException($"{method.Path} comes too late: the listener has started.");
        string[] paths = [method.Path, .. method.HttpPaths];
        foreach (string path in paths)
        {
            if (_claimed.TryGetValue(path, out RpcMethod? other))
                throw new InvalidOperationException($"{method.Path} and {other.Path} claim the same path.");
        }

        foreach (string path in paths)
            _claimed[path] = method;
        method.Ordinal = _methods.Count;
        _methods.Add(method);
    }

    /// <summary>Fixes the set of methods and makes the lookups ready.</summary>
    internal void Freeze()
    {
        _byPath = _methods.ToFrozenDictionary(m => m.Path, StringComparer.Ordinal);
        _byHttpPath = _methods.SelectMany(m => m.HttpPaths.Select(path => (path, m)))
            .ToFrozenDictionary(p => p.path, p => p.m, StringComparer.Ordinal);
    }

    internal bool TryFind(string path, [NotNullWhen(true)] out RpcMethod? method) => Frozen(_byPath).TryGetValue(path, out method);

    internal bool TryFindHttp(string path, [NotNullWhen(true)] out RpcMethod? method) => Frozen(_byHttpPath).TryGetValue(path, out method);

    /// <summary>The status for a gRPC path nobody serves, in the words of Go's library.</summary>
    internal GrpcStatus Unknown(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0)
            return new GrpcStatus(GrpcCode.Unimplemented, $"malformed method name: \"{path}\"");
        (string service, string name) = (path[1..slash], path[(slash + 1)..]);
        return new GrpcStatus(GrpcCode.Unimplemented, _methods.Exists(m => m.Service == service)
            ? $"unknown method {name} for service {service}"
            : $"unknown service {service}");
    }

    private static FrozenDictionary<string, RpcMethod> Frozen(FrozenDictionary<string, RpcMethod>? lookup) =>
        lookup ?? throw new InvalidOperationException("The registry is not frozen yet.");
}
