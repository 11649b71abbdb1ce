using System.Collections.Concurrent;
using Conclave.Layers.Serving;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Configuration;

/// <summary>The configuration of all spaces as this member knows it. Follows the published views of the store, on a thread of its own.</summary>
/// <remarks>Every view holds all release records, so nothing is lost when several views pass at once: the newest says everything.</remarks>
internal sealed class ConfigEngine(Func<StoreView> view, ILogger logger) : IAsyncDisposable
{
    /// <summary>Spaces of one cluster.</summary>
    public const int SpacesMax = 64;

    /// <summary>Streams look so often whether this member may still serve them.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, ConfigSpace> _spaces = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private volatile string? _damage;
    private volatile bool _hasStarted;
    private int _signalled, _anew;
    private Task _loop = Task.CompletedTask;

    /// <summary>Streams that wait for what is new here.</summary>
    public StreamWakes Wakes { get; } = new();

    /// <summary>What is wrong with the records; null when nothing is. While something is, nothing is served.</summary>
    public string? Damage => _damage;

    /// <summary>False while the records that were there at the start are not read yet.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>Spaces that somebody has published in.</summary>
    public int SpaceCount => _spaces.Count(s => s.Value.Current.Release > 0);

    public void Start()
    {
        Signal();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>A view with something new was published. Any thread; does not wait.</summary>
    public void Signal()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0) _wake.Release();
    }

    /// <summary>The state was replaced by another: read everything again.</summary>
    public void Restart()
    {
        Volatile.Write(ref _anew, 1);
        Signal();
    }

    /// <summary>The space; a new and empty one when nobody wrote there.</summary>
    public ConfigSpace Of(string space) => _spaces.TryGetValue(space, out ConfigSpace? known) ? known : new ConfigSpace(space);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync()
    {
        long looked = Environment.TickCount64;
        while (true)
        {
            bool isNews;
            try
            {
                isNews = await _wake.WaitAsync(LookInterval, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (Environment.TickCount64 - looked >= LookInterval.TotalMilliseconds)
            {
                looked = Environment.TickCount64;
                Wakes.WakeAll();
            }

            if (!isNews) continue;
            Volatile.Write(ref _signalled, 0);   // before the look: what is published from here on signals again
            bool anew = Interlocked.Exchange(ref _anew, 0) != 0;
            try
            {
                Follow(anew);
            }
            catch (Exception damage)   // whatever it is, it is said and nothing is served: this thread is the only one that could mend it
            {
                if (_damage != damage.Message) logger.ConfigDamaged(damage.Message);
                _damage = damage.Message;
                Wakes.WakeAll();
            }

            if (_hasStarted) continue;
            _hasStarted = true;
            Wakes.WakeAll();
        }
    }

    private void Follow(bool anew)
    {
        StoreView now = view();
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in StoreReads.Spaces(now))
        {
            found.Add(name);
            Wakes.Wake(name, _spaces.GetOrAdd(name, static n => new ConfigSpace(n)).Follow(now, anew || _damage is not null));
        }

        foreach ((string name, ConfigSpace space) in _spaces)
        {
            if (!found.Contains(name) && space.Current.Release > 0) Wakes.Wake(name, space.Follow(now, anew: true));
        }

        _damage = null;
    }
}

internal static partial class Log
{
    [LoggerMessage(2701, LogLevel.Error, "Configuration is not served: {Problem} Restore a backup, or replace this member if the others serve it.")]
    public static partial void ConfigDamaged(this ILogger logger, string problem);
}
