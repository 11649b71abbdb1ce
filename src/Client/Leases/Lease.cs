using System.Collections.Immutable;

namespace Conclave.Client;

/// <summary>A lease that was granted.</summary>
/// <param name="Id">Give it to puts.</param>
/// <param name="Ttl">Time to live the server granted: at least what was asked for, and not less than about 1.5 election timeouts.</param>
/// <param name="Header">Who answered.</param>
public sealed record Lease(long Id, TimeSpan Ttl, ResponseHeader Header);

/// <summary>One answer to a renewal.</summary>
/// <param name="Id">The lease.</param>
/// <param name="Ttl">The time it lives from now on.</param>
/// <param name="Header">Who answered.</param>
public sealed record LeaseRenewal(long Id, TimeSpan Ttl, ResponseHeader Header);

/// <summary>What a lease is like now.</summary>
/// <param name="Id">The lease.</param>
/// <param name="Remaining">Time left, in whole seconds.</param>
/// <param name="Granted">Time granted.</param>
/// <param name="Keys">Keys that end with it; empty unless they were asked for.</param>
/// <param name="Header">Who answered.</param>
public sealed record LeaseState(long Id, TimeSpan Remaining, TimeSpan Granted, ImmutableArray<Bytes> Keys, ResponseHeader Header);
