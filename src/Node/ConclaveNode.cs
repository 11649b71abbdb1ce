using System.Net;
using System.Net.Sockets;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Auth;
using Conclave.Node.Configuration;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Metrics;
using Conclave.Node.Options;
using Conclave.Node.Restoring;
using Conclave.Node.Services;
using Conclave.Node.Services.Locks;
using Conclave.Node.Tls;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node;

/// <summary>A whole node: replica, services and client port. What the server program runs, and what a .NET host can embed.</summary>
public sealed class ConclaveNode : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2), TransferSlack = TimeSpan.FromMilliseconds(100);

    /// <summary>Logins that wait for their turn; more are told to come again.</summary>
    private const int LoginsWaitingMax = 256;

    private readonly NodeOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly PasswordHasher _passwords;
    private readonly Replica _replica;
    private readonly ClientListener _listener;
    private readonly ClientListener? _metricsListener;
    private readonly ConfigEngine _configuration;
    private readonly RolloutDriver _rollouts;
    private readonly Housekeeping _housekeeping;
    private Task _housekeepingLoop = Task.CompletedTask;

    /// <summary>What is served, for tests that go over all of it.</summary>
    internal IReadOnlyList<RpcMethod> Methods { get; }

    /// <summary>Opens the data directory; nothing is served before <see cref="StartAsync"/>.</summary>
    /// <param name="options">What to be.</param>
    /// <param name="loggers">Where to say it.</param>
    /// <param name="onFatal">The node cannot go on; the process should end. Called at most once, from any thread.</param>
    /// <exception cref="ArgumentException">The options have <see cref="NodeOptions.Problems"/>.</exception>
    /// <exception cref="StorageException">The data directory cannot be used; the message names the file, the place and the remedy.</exception>
    /// <exception cref="TlsFileException">A certificate or key that a flag names cannot be used; the message says why and what to do.</exception>
    /// <exception cref="AuthKeyException">A key that --auth-token names cannot be used.</exception>
    /// <exception cref="SecretsKeyException">The file that --secrets-key-file names cannot be used.</exception>
    /// <exception cref="PortUnavailableException">A name to listen on cannot be resolved.</exception>
    /// <exception cref="Peers.JoinRefusedException">The cluster to join does not know this member, or does not answer; the message says what to do.</exception>
    public ConclaveNode(NodeOptions options, ILoggerFactory loggers, Action<Exception> onFatal) : this(options, new PosixFileSystem(), loggers, onFatal)
    {
    }

    /// <summary>On another disk, for tests.</summary>
    internal ConclaveNode(NodeOptions options, IFileSystem files, ILoggerFactory loggers, Action<Exception> onFatal)
    {
        foreach (string problem in options.Problems()) throw new ArgumentException(problem, nameof(options));
        _options = options = RestoredCluster.OptionsFor(options);
        _logger = loggers.CreateLogger("Conclave");
        // Names that nobody knows are found before anything is opened.
        IPEndPoint[] clientEndPoints = [.. options.ListenClientUrls.Select(url => EndPointOf("--listen-client-urls", url))];
        IPEndPoint[] metricsEndPoints = [.. options.ListenMetricsUrls.Select(url => EndPointOf("--listen-metrics-urls", url))];
        TlsSide? clientTls = options.ListenClientUrls.Any(url => url.Scheme == "https")
            ? TlsSide.Open(options.ClientTls, options.ListenClientUrls.Concat(options.AdvertiseClientUrls), options, TimeProvider.System, _logger) : null;
        _passwords = new PasswordHasher(PasswordHasher.IterationsOf(options.PasswordCost), Math.Max(1, Environment.ProcessorCount / 2), LoginsWaitingMax);
        _replica = new Replica(options, files, _logger, onFatal);
        SecretKeyRing? secrets = OpenSecrets(options);
        ClusterIdentity cluster = _replica.Cluster;
        Log.Starting(_logger, NodeVersion.Conclave, options.Name, cluster.Self.ToString(), cluster.ClusterId.ToString("x"), _replica.Members.Others().Length + 1, Path.GetFullPath(options.DataDir));

        var auth = new AuthGate(() => _replica.View, () => _replica.IsLearner ? null : _replica.Reads.WaitAsync(), AuthTokens.Of(options, TimeProvider.System), new AuditLog(loggers.CreateLogger(AuditLog.Category), options.AuditWrites, options.AuditReads, TimeProvider.System));
        var context = new ServiceContext(_replica, options, cluster, auth);
        var registry = new RpcRegistry();
        new HealthService().AddTo(registry);
        var watches = new WatchService(context);
        new KvService(context).AddTo(registry);
        watches.AddTo(registry);
        new LeaseService(context).AddTo(registry);
        new ClusterService(context).AddTo(registry);
        new MaintenanceService(context).AddTo(registry);
        var locks = new LockQueue(context);
        new LockService(context, locks).AddTo(registry);
        new ElectionService(context, locks).AddTo(registry);
        new AuthService(context, _passwords).AddTo(registry);
        _configuration = new ConfigEngine(() => _replica.View, secrets, _logger);
        _replica.ServerWrote = _configuration.Signal;
        _replica.LiveWrote = _configuration.SignalLive;
        _replica.StateTaken = _configuration.Restart;
        var configuration = new ConfigService(context, _configuration);
        configuration.AddTo(registry);
        _configuration.NodeGone = configuration.States.Forget;
        _replica.AgentReported = configuration.OnReport;
        _rollouts = new RolloutDriver(context, _configuration, configuration.Observers, _logger);
        configuration.AgentReported = _rollouts.Signal;

        Methods = registry.Methods;
        var calls = new RpcMetrics(registry);
        var metrics = new NodeMetrics(context, watches, calls) { Configuration = _configuration };
        _replica.OnSync = metrics.OnSync;
        var routes = new PlainRoutes();
        metrics.Health = new HealthRoutes(context);
        metrics.Health.AddTo(routes);
        metrics.AddTo(routes);
        var refusals = new ClientRefusals(TimeProvider.System, _logger);
        metrics.Refusals = refusals;
        watches.Refusals = refusals;
        metrics.ClientTls = clientTls;
        var listening = new ClientListenerOptions
        {
            Addresses = [.. AddressesOf(options.ListenClientUrls, clientEndPoints)],
            CertificatesNameUsers = clientTls is { NamesUsers: true },
            Refusals = refusals,
            Limits = options.Limits,
            ReceiveBytesMax = options.MaxRequestBytes + (512 << 10),
            Observer = calls,
        };
        _listener = new ClientListener(listening, registry, routes, loggers);
        // The same plain paths, and no call at all: whoever may watch a node need not be able to use it.
        if (options.ListenMetricsUrls.Count > 0)
            _metricsListener = new ClientListener(listening with { Addresses = [.. AddressesOf(options.ListenMetricsUrls, metricsEndPoints)] }, new RpcRegistry(), routes, loggers);
        var space = new SpaceWatch(context, new QuotaMark(files, Path.Combine(options.DataDir, "member")), _logger);
        _replica.OnDiskSpaceChanged = space.LookSoon;
        _housekeeping = new Housekeeping(context, watches, locks, space, _logger);

        IEnumerable<ListenAddress> AddressesOf(IReadOnlyList<Uri> urls, IPEndPoint[] endPoints) =>
            urls.Zip(endPoints, (url, endPoint) => new ListenAddress(endPoint, url.Scheme == "https" && clientTls is { } tls
                ? peer => tls.ForHttp(problem => refusals.Say(RefusalReason.Certificate, peer, problem))
                : null));
    }

    /// <summary>Binds the ports and takes part in the cluster. Does not wait for a leader.</summary>
    /// <exception cref="PortUnavailableException">An address cannot be bound.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _replica.Bind();
        }
        catch (SocketException problem)
        {
            throw new PortUnavailableException("--listen-peer-urls", _options.ListenPeerUrls, problem);
        }

        try
        {
            await _listener.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is SocketException or IOException)
        {
            throw new PortUnavailableException("--listen-client-urls", _options.ListenClientUrls, problem);
        }

        try
        {
            if (_metricsListener is not null) await _metricsListener.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is SocketException or IOException)
        {
            throw new PortUnavailableException("--listen-metrics-urls", _options.ListenMetricsUrls, problem);
        }

        _replica.Start();
        _configuration.Start();
        _rollouts.Start();
        _housekeepingLoop = _housekeeping.RunAsync(_stop.Token);
        Log.Serving(_logger, string.Join(", ", _options.ListenClientUrls.Select(NodeOptions.Plain)));
    }

    /// <summary>Hands over the leadership, ends open calls, then the replica. Everything acknowledged is on disk already.</summary>
    public async ValueTask DisposeAsync()
    {
        // Before anything else ends, so that clients of all members find the next leader at work instead of waiting out an election.
        if (_replica.IsLeader && !_replica.IsSelfRemoved && _replica.Peers.All.Any(link => link.IsUp && _replica.Members.InForce.IsVoter(link.Peer)))
            await _replica.TransferAsync(NodeId.None, _options.ElectionTimeout + TransferSlack, CancellationToken.None).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _listener.StopAsync(StopGrace).ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        if (_metricsListener is not null) await _metricsListener.DisposeAsync().ConfigureAwait(false);
        await _housekeepingLoop.ConfigureAwait(false);
        await _rollouts.DisposeAsync().ConfigureAwait(false);
        await _configuration.DisposeAsync().ConfigureAwait(false);
        await _replica.DisposeAsync().ConfigureAwait(false);
        _passwords.Dispose();
        Log.Stopped(_logger);
    }

    /// <summary>After the replica, which makes the data directory and holds its lock.</summary>
    private SecretKeyRing? OpenSecrets(NodeOptions options)
    {
        try
        {
            return SecretsKeyFile.Open(options);
        }
        catch (SecretsKeyException)
        {
            _replica.DisposeAsync().AsTask().GetAwaiter().GetResult();   // nothing of it has begun yet
            _passwords.Dispose();
            throw;
        }
    }

    private static IPEndPoint EndPointOf(string flag, Uri url)
    {
        if (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6) return new(IPAddress.Parse(url.DnsSafeHost), url.Port);
        try
        {
            return new(Dns.GetHostAddresses(url.DnsSafeHost)[0], url.Port);
        }
        catch (SocketException problem)
        {
            throw new PortUnavailableException(flag, [url], problem);
        }
    }
}
