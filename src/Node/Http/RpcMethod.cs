using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Node.Http;

/// <summary>One method of the API: its gRPC path, its HTTP paths, its messages and its handler.</summary>
public sealed class RpcMethod
{
    // Not read before somebody asks: the first descriptor builds those of its whole file by reflection, which was a quarter of the start of a node.
    private readonly Func<MessageDescriptor> _request, _response;

    private RpcMethod(string path, Func<MessageDescriptor> request, Func<MessageDescriptor> response, string[] httpPaths)
    {
        int dash = path.LastIndexOf('/');
        if (path.Length < 4 || path[0] != '/' || dash < 2 || dash == path.Length - 1)
            throw new ArgumentException($"'{path}' is not of the form /package.Service/Method.", nameof(path));
        (Path, Service, Name) = (path, path[1..dash], path[(dash + 1)..]);
        (_request, _response, HttpPaths) = (request, response, httpPaths);
    }

    /// <summary>E.g. <c>/etcdserverpb.KV/Range</c>.</summary>
    public string Path { get; }

    /// <summary>E.g. <c>etcdserverpb.KV</c>.</summary>
    public string Service { get; }

    /// <summary>E.g. <c>Range</c>.</summary>
    public string Name { get; }

    /// <summary>What the client sends; the JSON gateway needs it.</summary>
    public MessageDescriptor Request => _request();

    /// <summary>What the client receives; the JSON gateway needs it.</summary>
    public MessageDescriptor Response => _response();

    /// <summary>Set for a unary method, null for a streaming one.</summary>
    public UnaryHandler? Unary { get; private init; }

    /// <summary>Set for a streaming method, null for a unary one.</summary>
    public StreamHandler? Stream { get; private init; }

    /// <summary>True when the client may send any number of messages.</summary>
    public bool ClientStreams { get; private init; }

    /// <summary>POST paths of the JSON gateway, e.g. <c>/v3/kv/range</c>; the listener adds the /v3beta and /v3alpha aliases.</summary>
    public IReadOnlyList<string> HttpPaths { get; }

    /// <summary>A unary call that may wait without bound for other clients (Lock, Campaign): a stopping server ends it at once.</summary>
    public bool WaitsForOthers { get; init; }

    /// <summary>
    /// A unary call that changes nothing, as long as its handler has not set <see cref="RpcContext.Outcome"/>: when there is no room for a large answer, the
    /// handler is run again later, or the call refused. Others are always answered.
    /// </summary>
    public bool IsRead { get; private init; }

    /// <summary>0, 1, 2... in order of registration: an index for whoever counts calls by method. -1 before registration.</summary>
    public int Ordinal { get; internal set; } = -1;

    /// <summary>The label <c>grpc_type</c> of the usual metrics.</summary>
    public string Type => Stream is null ? "unary" : ClientStreams ? "bidi_stream" : "server_stream";

    /// <summary>One request, one response.</summary>
    public static RpcMethod ForUnary<TRequest, TResponse>(string path, UnaryHandler handler, params string[] httpPaths)
        where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        new(path, Describe<TRequest>, Describe<TResponse>, httpPaths) { Unary = handler };

    /// <summary>As <see cref="ForUnary{TRequest, TResponse}"/>, for calls whose handler may be run again: see <see cref="IsRead"/>.</summary>
    public static RpcMethod ForRead<TRequest, TResponse>(string path, UnaryHandler handler, params string[] httpPaths)
        where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        new(path, Describe<TRequest>, Describe<TResponse>, httpPaths) { Unary = handler, IsRead = true };

    /// <summary>As <see cref="ForUnary{TRequest, TResponse}"/>, for calls that may wait without bound: see <see cref="WaitsForOthers"/>.</summary>
    public static RpcMethod ForWaitingUnary<TRequest, TResponse>(string path, UnaryHandler handler, params string[] httpPaths)
        where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        new(path, Describe<TRequest>, Describe<TResponse>, httpPaths) { Unary = handler, WaitsForOthers = true };

    /// <summary>One request, any number of responses.</summary>
    public static RpcMethod ForServerStream<TRequest, TResponse>(string path, StreamHandler handler, params string[] httpPaths)
        where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        new(path, Describe<TRequest>, Describe<TResponse>, httpPaths) { Stream = handler };

    /// <summary>Any number of requests and responses.</summary>
    public static RpcMethod ForBidiStream<TRequest, TResponse>(string path, StreamHandler handler, params string[] httpPaths)
        where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        new(path, Describe<TRequest>, Describe<TResponse>, httpPaths) { Stream = handler, ClientStreams = true };

    private static MessageDescriptor Describe<T>() where T : IMessage, new() => new T().Descriptor;
}
