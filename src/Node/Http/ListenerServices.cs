using Conclave.Node.Http.Limits;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Http;

/// <summary>What every part of the listener shares.</summary>
internal sealed record ListenerServices(
    ClientListenerOptions Options, RpcRegistry Registry, PlainRoutes Routes, ListenerLifetime Lifetime, ClientRefusals Refusals, RequestBudget Budget, ILogger Logger);
