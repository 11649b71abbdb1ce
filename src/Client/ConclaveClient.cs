using System.Collections.Immutable;
using Conclave.Client.Routing;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>A client of one cluster. Thread-safe; make one and share it. Connects on the first call.</summary>
/// <remarks>
/// Reads are repeated on other endpoints while that makes sense; writes are repeated only when it is certain that the first
/// attempt was not carried out. Where that is not certain, the caller gets an <see cref="OutcomeUnknownException"/>.
/// </remarks>
public sealed class ConclaveClient : IAsyncDisposable, IDisposable
{
    private readonly CallRouter _router;

    /// <param name="options">Endpoints and time limits.</param>
    /// <exception cref="ArgumentException">The options cannot be used; the message lists every problem.</exception>
    public ConclaveClient(ConclaveClientOptions options)
    {
        string problems = string.Join(' ', options.Problems());
        if (problems.Length > 0) throw new ArgumentException(problems, nameof(options));
        Endpoints = [.. options.Endpoints.Select(EndpointAddress.Parse)];
        _router = new CallRouter(new EndpointSet(Endpoints, options.EndpointChoice, options.Channel, options.Time), options);
        Leases = new LeaseClient(_router);
        Maintenance = new MaintenanceClient(_router);
        Members = new MemberClient(_router);
        Auth = new AuthClient(_router);
        Configuration = new ConfigurationClient(_router);
    }

    /// <summary>A client with default options.</summary>
    /// <param name="endpoints">Client addresses of members, at least one.</param>
    public ConclaveClient(params ReadOnlySpan<string> endpoints) : this(new ConclaveClientOptions { Endpoints = [.. endpoints] }) { }

    /// <summary>The endpoints, in the order given.</summary>
    public ImmutableArray<Uri> Endpoints { get; }

    /// <summary>Leases: keys that live as long as their owner does.</summary>
    public LeaseClient Leases { get; }

    /// <summary>State, hashes, snapshots and alarms of single members.</summary>
    public MaintenanceClient Maintenance { get; }

    /// <summary>The members of the cluster.</summary>
    public MemberClient Members { get; }

    /// <summary>Users, roles, and whether they count.</summary>
    public AuthClient Auth { get; }

    /// <summary>Layered configuration.</summary>
    public ConfigurationClient Configuration { get; }

    /// <summary>Reads one key; null when it does not exist.</summary>
    /// <exception cref="UnavailableException">No member answered in time.</exception>
    public async ValueTask<KeyValue?> GetAsync(Bytes key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        RangeResult found = await RangeAsync(KeyRange.Single(key), options, cancellationToken).ConfigureAwait(false);
        return found.Items.IsEmpty ? null : found.Items[0];
    }

    /// <summary>Reads a range of keys as of one revision.</summary>
    /// <exception cref="UnavailableException">No member answered in time.</exception>
    /// <exception cref="CompactedException">The revision asked for is no longer kept.</exception>
    public async ValueTask<RangeResult> RangeAsync(KeyRange range, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ReadOptions.Default;
        return RangeResult.Of(await _router.ReadAsync(Calls.Range, options.For(range), cancellationToken, !options.Serializable).ConfigureAwait(false));
    }

    /// <summary>Writes one key.</summary>
    /// <exception cref="UnavailableException">The write certainly did not happen; repeating it is safe.</exception>
    /// <exception cref="OutcomeUnknownException">The write may have happened.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the write may still happen.</exception>
    public async ValueTask<PutResult> PutAsync(Bytes key, Bytes value, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        PutResult.Of(await _router.WriteAsync(Calls.Put, (options ?? PutOptions.Default).For(key, value), cancellationToken).ConfigureAwait(false));

    /// <summary>Deletes a key or a range of keys; deleting nothing is a success.</summary>
    /// <inheritdoc cref="PutAsync" path="/exception"/>
    public async ValueTask<DeleteResult> DeleteAsync(KeyRange range, DeleteOptions? options = null, CancellationToken cancellationToken = default) =>
        DeleteResult.Of(await _router.WriteAsync(Calls.DeleteRange, (options ?? DeleteOptions.Default).For(range), cancellationToken).ConfigureAwait(false));

    /// <summary>Starts building a transaction.</summary>
    public TxnBuilder Txn() => new(_router);

    /// <summary>Opens a session, whose writes are carried out exactly once.</summary>
    /// <param name="ttl">How long the session outlives this process, rounded up to whole seconds. The server may grant more.</param>
    /// <param name="cancellationToken">Stops waiting; what may have been granted ends by itself.</param>
    public async ValueTask<ClientSession> OpenSessionAsync(TimeSpan ttl, CancellationToken cancellationToken = default)
    {
        Lease lease = await Leases.GrantAsync(ttl, cancellationToken: cancellationToken).ConfigureAwait(false);
        return new ClientSession(_router, Leases.Keep(lease.Id));
    }

    /// <summary>A lock by name. Nothing is sent before it is acquired.</summary>
    /// <param name="name">Not empty. Its keys are those behind <c>name/</c>.</param>
    /// <param name="options">Null for the defaults.</param>
    public IDistributedLock Lock(string name, LockOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new Locks.DistributedLock(this, _router, name, (options ?? LockOptions.Default).Checked());
    }

    /// <summary>A semaphore by name. Nothing is sent before a slot is acquired.</summary>
    /// <param name="name">Not empty. Its keys are those behind <c>name/</c>.</param>
    /// <param name="slots">How many hold at a time, 1 to 10,000. All who use the name should say the same: each goes by its own number.</param>
    /// <param name="options">Null for the defaults.</param>
    public IDistributedSemaphore Semaphore(string name, int slots, LockOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots, 10_000);
        return new Locks.DistributedLock(this, _router, name, (options ?? LockOptions.Default).Checked(), slots);
    }

    /// <summary>An election by name. Nothing is sent before somebody campaigns or observes.</summary>
    /// <param name="name">Not empty. Its keys are those behind <c>name/</c>.</param>
    /// <param name="options">Null for the defaults; the value is what observers see of this candidate.</param>
    public IElection Election(string name, LockOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new Locks.Election(this, _router, name, (options ?? LockOptions.Default).Checked());
    }

    /// <summary>Says that an instance of a service is alive, until the registration is disposed or this process ends.</summary>
    /// <param name="service">Name of the service, as in <c>%{live:SERVICE}</c>; without slashes.</param>
    /// <param name="instance">Which one: another registration of the same name takes its place.</param>
    /// <param name="address">What documents get; or a JSON object with a member <c>address</c>.</param>
    /// <param name="ttl">How long it is kept when this process can no longer say so, 1 s to 24 h; null is 10 s.</param>
    /// <param name="space">The configuration space; "" is the default one.</param>
    /// <param name="cancellationToken">Stops waiting for the first answer.</param>
    /// <exception cref="ArgumentException">A name is empty or has a slash, or the time is out of range.</exception>
    /// <exception cref="ConclaveException">The cluster could not be reached at the start, or refused.</exception>
    public ValueTask<LiveRegistration> RegisterAsync(string service, string instance, string address, TimeSpan? ttl = null, string space = "", CancellationToken cancellationToken = default)
    {
        if (service.Length == 0 || instance.Length == 0 || address.Length == 0 || service.Contains('/', StringComparison.Ordinal) || space.Contains('/', StringComparison.Ordinal))
            throw new ArgumentException("A registration has a service without slashes, an instance and an address.");
        TimeSpan lives = new LockOptions { Ttl = ttl ?? LockOptions.Default.Ttl }.Checked().Ttl;
        return LiveRegistration.StartAsync(this, _router, $"conclave-live/{(space.Length == 0 ? "default" : space)}/{service}/{instance}", address, lives, cancellationToken);
    }

    /// <summary>Forgets all history up to a revision; reads and watches below it are refused from then on.</summary>
    /// <param name="revision">Newest revision to forget.</param>
    /// <param name="physical">Return only once the member asked has given the space back.</param>
    /// <param name="cancellationToken">Stops waiting; the compaction may still happen.</param>
    /// <exception cref="CompactedException">That revision was compacted before.</exception>
    public async ValueTask<ResponseHeader> CompactAsync(long revision, bool physical = false, CancellationToken cancellationToken = default)
    {
        CompactionRequest request = new() { Revision = revision, Physical = physical };
        return ResponseHeader.Of((await _router.WriteAsync(Calls.Compact, request, cancellationToken).ConfigureAwait(false)).Header);
    }

    /// <summary>
    /// Reports every change in a range, in order and without gaps, across lost connections: after a loss the watch goes on at
    /// another endpoint from the revision after the last one seen.
    /// </summary>
    /// <param name="range">What to watch.</param>
    /// <param name="options">Where to start and what to report.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="CompactedException">The next revision to report is no longer kept; read the state and watch from there.</exception>
    /// <exception cref="UnavailableException">No member could be reached at the start. A watch that once ran keeps trying.</exception>
    /// <exception cref="ConclaveException">The server refused the watch.</exception>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(KeyRange range, WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        Watching.Watch.RunAsync(_router, range, options ?? WatchOptions.Default, cancellationToken);

    /// <summary>Closes all connections. Calls in flight fail; the outcome of their writes is then unknown.</summary>
    public void Dispose() => _router.Dispose();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
