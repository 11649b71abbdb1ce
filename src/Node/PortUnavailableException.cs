using System.Net.Sockets;
using Conclave.Node.Options;
using Microsoft.AspNetCore.Connections;

namespace Conclave.Node;

/// <summary>An address to listen on is taken, is not this machine's, or may not be used.</summary>
public sealed class PortUnavailableException(string flag, IEnumerable<Uri> urls, Exception cause) : Exception(
    $"cannot listen on {string.Join(", ", urls.Select(NodeOptions.Plain))}: {Explain(flag, cause)}", cause)
{
    private static string Explain(string flag, Exception cause) => ErrorOf(cause) switch
    {
        SocketError.AddressAlreadyInUse => $"the port is in use. Stop what uses it (ss -ltnp shows it), or choose another one with {flag}.",
        SocketError.AddressNotAvailable => $"no interface of this machine has that address. Correct {flag} (ip address lists them; 0.0.0.0 is all of them).",
        SocketError.AccessDenied => $"not permitted. Ports below 1024 take a privilege; choose another one with {flag}.",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"the name cannot be resolved. Correct {flag}, or name the address by its number.",
        _ => $"{cause.Message.TrimEnd('.')}. Correct {flag}.",
    };

    private static SocketError ErrorOf(Exception? cause) => cause switch
    {
        null => SocketError.SocketError,
        AddressInUseException => SocketError.AddressAlreadyInUse,
        SocketException problem => problem.SocketErrorCode,
        _ => ErrorOf(cause.InnerException),
    };
}
