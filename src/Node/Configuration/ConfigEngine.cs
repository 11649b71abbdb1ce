using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Live;
using Conclave.Layers.Serving.Secrets;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Configuration;

/// <summary>The configuration of all spaces as this member knows it. Follows the published views of the store, on a thread of its own.</summary>
/// <remarks>Every view holds all release records, so nothing is lost when several views pass at once: the newest says everything.</remarks>
internal sealed class ConfigEngine(Func<StoreView> view, SecretKeyRing? secrets, ILogger logger) : IAsyncDisposable
{
    /// <summary>Spaces of one cluster.</summary>
    public const int SpacesMax = 64;

    /// <summary>A damaged space is read from its beginning, which may be long; on its own account so often at most.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(60);

    /// <summary>Streams look so often whether this member may still serve them.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, ConfigSpace> _spaces = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Damaged> _damaged = new(StringComparer.Ordinal);
    private volatile string? _damage;
    private volatile bool _hasStarted;
    private int _signalled, _anew, _wrote, _liveWrote;

    // Of the thread that follows.
    private long _livePass;   // when it was looked last who is alive
    private ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableArray<string>>> _live = ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableArray<string>>>.Empty;

    private static readonly ImmutableSortedDictionary<string, ImmutableArray<string>> NobodyAlive = ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);

    /// <summary>Leases end and begin much more often than configuration changes; a look at all live members comes at most so often.</summary>
    private static readonly TimeSpan LivePause = TimeSpan.FromMilliseconds(50);
    private Task _loop = Task.CompletedTask;

    /// <summary>Told of nodes of a space that were removed, on the thread that follows. Set before the start.</summary>
    public Action<string, string> NodeGone { get; set; } = static (_, _) => { };

    /// <summary>Streams that wait for what is new here.</summary>
    public StreamWakes Wakes { get; } = new();

    /// <summary>What is wrong with all of it; null when nothing is. While something is, nothing is served.</summary>
    public string? Damage => _damage;

    /// <summary>What is wrong with the records of a space; null when nothing is. While something is, that space is not served, and the others are.</summary>
    public string? DamageOf(string space) => _damage ?? _damaged.GetValueOrDefault(space)?.Problem;

    /// <summary>Spaces that are not served.</summary>
    public int DamagedCount => _damaged.Count;

    /// <summary>False while the records that were there at the start are not read yet.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>Spaces that somebody has published in.</summary>
    public int SpaceCount => _spaces.Count(s => s.Value.Current.Release > 0);

    /// <summary>The spaces that there are, without those that are damaged.</summary>
    public IEnumerable<ConfigSpace> Spaces => _spaces.Values.Where(s => !_damaged.ContainsKey(s.Name));

    /// <summary>What this member opens secrets with; null when it was given nothing.</summary>
    public SecretKeyRing? Secrets => secrets;

    public void Start()
    {
        SignalLive();
        Signal();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>A view with something new was published. Any thread; does not wait.</summary>
    public void Signal()
    {
        Volatile.Write(ref _wrote, 1);
        if (Interlocked.Exchange(ref _signalled, 1) == 0) _wake.Release();
    }

    /// <summary>A view was published in which others may be alive. Any thread; does not wait.</summary>
    public void SignalLive()
    {
        Volatile.Write(ref _liveWrote, 1);
        if (Interlocked.Exchange(ref _signalled, 1) == 0) _wake.Release();
    }

    /// <summary>The state was replaced by another: read everything again.</summary>
    public void Restart()
    {
        Volatile.Write(ref _liveWrote, 1);
        Volatile.Write(ref _anew, 1);
        Signal();
    }

    /// <summary>The space; a new and empty one when nobody wrote there.</summary>
    public ConfigSpace Of(string space) => _spaces.TryGetValue(space, out ConfigSpace? known) ? known : new ConfigSpace(space, secrets);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync()
    {
        bool liveIsDue = false;
        long looked = Environment.TickCount64;
        while (true)
        {
            bool isNews;
            try
            {
                TimeSpan left = liveIsDue ? LivePause - Stopwatch.GetElapsedTime(_livePass) : LookInterval;
                isNews = await _wake.WaitAsync(left < TimeSpan.Zero ? TimeSpan.Zero : left, _stop.Token).ConfigureAwait(false);
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

            if (!isNews && !liveIsDue) continue;
            if (isNews) Volatile.Write(ref _signalled, 0);   // before the look: what is published from here on signals again
            bool anew = Interlocked.Exchange(ref _anew, 0) != 0;
            liveIsDue |= Interlocked.Exchange(ref _liveWrote, 0) != 0;
            try
            {
                if (Interlocked.Exchange(ref _wrote, 0) != 0 || anew) Follow(anew);
                if (liveIsDue && (anew || _livePass == 0 || Stopwatch.GetElapsedTime(_livePass) >= LivePause))
                {
                    (_livePass, liveIsDue) = (Stopwatch.GetTimestamp(), false);
                    _live = LiveKeys.Read(view());
                }

                foreach ((string name, ConfigSpace space) in _spaces)
                {
                    if (space.FollowLive(_live.GetValueOrDefault(name) ?? NobodyAlive)) Wakes.Wake(name, null);
                }
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
        foreach (string name in StoreReads.Spaces(now).OrderBy(_damaged.ContainsKey))   // damaged ones last: nobody waits for them
        {
            found.Add(name);
            Follow(_spaces.GetOrAdd(name, n => new ConfigSpace(n, secrets) { NodeGone = node => NodeGone(n, node) }), now, anew || _damage is not null);
        }

        foreach ((string name, ConfigSpace space) in _spaces)
        {
            if (!found.Contains(name) && (space.Current.Release > 0 || !space.Current.Secrets.All.IsEmpty || _damaged.ContainsKey(name))) Follow(space, now, anew: true);
        }

        _damage = null;
    }

    /// <param name="Problem">What is wrong.</param>
    /// <param name="Head">The revision of the space's newest release when it was tried.</param>
    /// <param name="TriedAt">When that ended.</param>
    private sealed record Damaged(string Problem, long Head, long TriedAt);

    /// <summary>A space that cannot be read is not served, and keeps none of the others from being.</summary>
    private void Follow(ConfigSpace space, StoreView now, bool anew)
    {
        bool wasDamaged = _damaged.TryGetValue(space.Name, out Damaged? known);
        long head = StoreReads.Find(now, ConfigKeys.Head(space.Name))?.ModRevision ?? 0;
        // Else each write of others would have all of it read again.
        if (known is not null && !anew && known.Head == head && Stopwatch.GetElapsedTime(known.TriedAt) < RetryPause) return;
        try
        {
            IReadOnlySet<string>? concerned = space.Follow(now, anew || wasDamaged);
            _damaged.TryRemove(space.Name, out _);
            Wakes.Wake(space.Name, concerned);
        }
        catch (Exception damage)   // whatever it is, it is said: this thread is the only one that could mend it
        {
            if (known?.Problem != damage.Message) logger.SpaceDamaged(space.Name, damage.Message);
            _damaged[space.Name] = new Damaged(damage.Message, head, Stopwatch.GetTimestamp());
            Wakes.Wake(space.Name, null);
        }
    }
}

internal static partial class Log
{
    [LoggerMessage(2701, LogLevel.Error, "Configuration is not served: {Problem} Restore a backup, or replace this member if the others serve it.")]
    public static partial void ConfigDamaged(this ILogger logger, string problem);

    [LoggerMessage(2702, LogLevel.Error, "Space {Space} is not served: {Problem} Other spaces are. Restore a backup, or replace this member if the others serve it.")]
    public static partial void SpaceDamaged(this ILogger logger, string space, string problem);
}
