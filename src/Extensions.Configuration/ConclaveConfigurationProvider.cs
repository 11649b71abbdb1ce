using System.Collections.Immutable;
using System.Diagnostics;
using Conclave.Client;
using Microsoft.Extensions.Configuration;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Configuration;

/// <summary>Where the values that a program has come from.</summary>
public enum ConclaveConfigurationState
{
    /// <summary>Nothing was received yet.</summary>
    Empty,

    /// <summary>From the cache of an earlier run: no member has answered yet.</summary>
    Cached,

    /// <summary>From a member, and changes arrive.</summary>
    Current,

    /// <summary>From a member, but at the moment changes cannot arrive.</summary>
    Stale,
}

/// <summary>The documents of a node as configuration. Thread-safe; every change is one exchange of an immutable set of values.</summary>
/// <remarks>
/// <see cref="Load"/> waits for the first answer; a task then follows the stream of changes, from member to member, until the provider is disposed. The
/// reload token fires when the content is another, not with every release.
/// </remarks>
public sealed class ConclaveConfigurationProvider : ConfigurationProvider, IDisposable
{
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(15);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Task? _loop;
    private volatile ConfigurationValues _values = ConfigurationValues.None;

    // Under _gate.
    private NodeDocuments _shown = NodeDocuments.None;
    private ImmutableArray<string> _problems = [];
    private ConclaveException? _failure;
    private bool _isConnected, _isHeard, _isLoaded;
    private long _silentSince;

    /// <exception cref="ArgumentException">The options cannot be used; the message lists every problem.</exception>
    internal ConclaveConfigurationProvider(ConclaveConfigurationOptions options)
    {
        string problems = string.Join(' ', options.Problems());
        if (problems.Length > 0) throw new ArgumentException(problems, nameof(options));
        Options = options;
        _silentSince = options.Time.GetTimestamp();
    }

    public ConclaveConfigurationOptions Options { get; }

    /// <summary>How the cluster is reached; for other clients of the same one.</summary>
    public ConclaveClientOptions ClientOptions => Options.ToClientOptions();

    /// <summary>The newest release that is known to be in the values; 0 before the first.</summary>
    public long Release
    {
        get
        {
            lock (_gate) return _shown.Release;
        }
    }

    public ConclaveConfigurationState State
    {
        get
        {
            lock (_gate)
            {
                return _isHeard ? _isConnected ? ConclaveConfigurationState.Current : ConclaveConfigurationState.Stale
                    : _shown.ByName.IsEmpty ? ConclaveConfigurationState.Empty : ConclaveConfigurationState.Cached;
            }
        }
    }

    /// <summary>For how long changes could not arrive; zero while they can. A connection that is dead is noticed after 15 s.</summary>
    public TimeSpan Staleness
    {
        get
        {
            lock (_gate) return _isConnected ? TimeSpan.Zero : Options.Time.GetElapsedTime(_silentSince);
        }
    }

    /// <summary>What is wrong now: keys that .NET cannot tell apart, a cluster that does not answer, a document that was not taken over.</summary>
    public ImmutableArray<string> Problems
    {
        get
        {
            lock (_gate) return _failure is null ? [.. _values.Problems, .. _problems] : [.. _values.Problems, .. _problems, _failure.Message];
        }
    }

    /// <summary>Waits for the values, once; later calls return at once, because changes arrive by themselves.</summary>
    /// <exception cref="ConclaveConfigurationException">There is neither an answer nor a cache, and the source is not optional.</exception>
    public override void Load()
    {
        if (_loop is not null) return;
        using Activity? activity = Telemetry.Activities.StartActivity("conclave.config.load");
        NodeDocuments? cached = ReadCache();
        if (cached is not null) lock (_gate) _shown = cached;   // what the stream builds on; it is shown only when nobody answers
        Telemetry.Add(this);
        _loop = Task.Run(FollowAsync);
        try
        {
            // Configuration is built by a synchronous call, and the loop runs on the pool, so nothing that it needs is blocked here.
            _first.Task.WaitAsync(Options.StartupTimeout, Options.Time).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is TimeoutException or ConclaveException or ConclaveConfigurationException)
        {
            if (cached is null && !Options.Optional) throw NothingToStartWith(e);
        }

        lock (_gate)
        {
            // From here on whoever reads has seen something, and is told of what is different.
            _isLoaded = true;
            if (!_isHeard && cached is not null) _values = ConfigurationValues.Of(cached);
        }

        activity?.SetTag("conclave.release", Release).SetTag("conclave.state", State.ToString());
    }

    public override bool TryGet(string key, out string? value) => _values.TryGet(key, out value);

    /// <summary>Sets a value in this process, until the next release that changes something. The cluster does not hear of it.</summary>
    public override void Set(string key, string? value)
    {
        lock (_gate) _values = _values.With(key, value);
    }

    public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) => _values.ChildrenOf(parentPath, earlierKeys);

    public override string ToString() => $"Conclave {Options.Space}/{Options.Node} r{Release}{(State == ConclaveConfigurationState.Current ? "" : $" ({State.ToString().ToLowerInvariant()})")}";

    /// <summary>Stops following changes. The values stay.</summary>
    public void Dispose()
    {
        _stop.Cancel();   // never disposed: the loop may still look at it, and it holds nothing
        Telemetry.Remove(this);
    }

    private async Task FollowAsync()
    {
        await using var client = new ConclaveClient(ClientOptions);
        var have = _shown;
        int failures = 0;
        long moved = 0;   // the newest revision that a message had: a member that is behind it could bring old values of other nodes
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var request = new V1.WatchRequest { Space = Options.Space, Node = Options.Node, Documents = { Options.Documents }, FromRelease = have.Release, MinRelease = Release, MinRevision = moved, WantsItemsHash = true };
                // With the release of each, a member that knows less of a rollout than this program does sends nothing older, and one that knows more tells what was allowed meanwhile.
                request.Have.AddRange(have.ByName.Select(d => new V1.DocumentHash { Document = d.Key, Hash = d.Value.Hash, Release = d.Value.Release }));
                await foreach (V1.Delta delta in client.Configuration.WatchAsync(request, _stop.Token).ConfigureAwait(false))
                {
                    if (have.After(delta) is not { } now)
                    {
                        have = NodeDocuments.None;
                        Report([$"What arrived at r{delta.ToRelease} does not fit what is here or its own hash, and everything is asked for again."]);
                        break;
                    }

                    failures = 0;   // a member whose messages cannot be used is one that fails
                    have = now;
                    moved = Math.Max(moved, delta.MovedRevision);
                    Take(now, delta);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (ConclaveException failure)
            {
                Disconnected(failure);
                if (failure is not UnavailableException) _first.TrySetException(failure);   // an answer, and waiting makes it no better
            }

            catch (Exception bug)
            {
                // Nobody awaits this task while the program runs, and a program without changes looks like one with nothing to change.
                Report([$"What arrived cannot be used, and is asked for again: {bug}"]);
                _first.TrySetException(new ConclaveConfigurationException(bug.Message, bug));
                have = NodeDocuments.None;
            }

            Disconnected(null);
            // Full jitter: when a member stops, its many clients do not come to the next one together.
            TimeSpan most = TimeSpan.FromMilliseconds(Math.Min(RetryMax.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures++, 20))));
            try
            {
                await Task.Delay(most * Random.Shared.NextDouble(), Options.Time, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;   // disposed
            }
        }
    }

    private void Disconnected(ConclaveException? failure)
    {
        bool isNews;
        lock (_gate)
        {
            if (_isConnected) _silentSince = Options.Time.GetTimestamp();
            isNews = failure is not null && failure.Message != _failure?.Message;
            _isConnected = false;
            _failure = failure ?? _failure;
        }

        if (isNews) Tell($"No configuration arrives: {failure!.Message}");   // isNews says that there is one
    }

    /// <summary>Makes what was received the values, unless nothing is different, or a document would become empty by mistake.</summary>
    private void Take(NodeDocuments received, V1.Delta delta)
    {
        NodeDocuments before;
        var problems = new List<string>();
        bool wasConnected;
        lock (_gate)
        {
            (before, wasConnected) = (_shown, _isConnected);
            (_isConnected, _failure) = (true, null);
        }

        if (!wasConnected) Telemetry.Connects.Add(1, Telemetry.TagsOf(this));
        NodeDocuments taken = received;
        foreach ((string name, NodeDocument document) in received.ByName)
        {
            bool isMeant = delta.Documents.Any(d => d.Document == name && d.AllowShrink);
            if (!document.Items.IsEmpty || isMeant || !before.ByName.TryGetValue(name, out NodeDocument? held) || held.Items.IsEmpty) continue;
            problems.Add($"{name} has become empty at r{received.Release}; its {held.Items.Count} values are kept. If that is meant, publish it with leave to shrink.");
            taken = taken with { ByName = taken.ByName.SetItem(name, held) };
        }

        bool isComplete = taken.Holds(Options.Documents);
        if (!isComplete) problems.Add($"{string.Join(", ", Options.Documents.Where(d => !taken.ByName.ContainsKey(d)))} cannot be given to {Options.Node} at r{received.Release}: something that a value refers to is missing. See: conclave show {Options.Node} DOCUMENT");
        bool isNew, isChange;
        lock (_gate)
        {
            isChange = !taken.HasContentOf(before);
            isNew = isChange || !_isHeard;
            (_shown, _isHeard) = (taken, _isHeard || isComplete);
        }

        if (isChange) problems.AddRange(WriteCache(taken));
        Report(problems);
        if (!isNew || !isComplete) return;
        ConfigurationValues values = ConfigurationValues.Of(taken);
        foreach (string problem in values.Problems) Tell(problem);
        bool isAwaited;
        lock (_gate)
        {
            _values = values;
            isAwaited = !_isLoaded;
        }

        _first.TrySetResult();
        if (isChange && !isAwaited) Reload();
    }

    private void Reload()
    {
        using Activity? activity = Telemetry.Activities.StartActivity("conclave.config.reload");
        activity?.SetTag("conclave.release", Release);
        Telemetry.Reloads.Add(1, Telemetry.TagsOf(this));
        try
        {
            OnReload();
        }
        catch (Exception e)   // whatever listeners throw: options that cannot be bound, for example. The next release must arrive all the same.
        {
            Report([$"A listener failed at r{Release}: {(e as AggregateException)?.Flatten().InnerExceptions[0].Message ?? e.Message}"]);
        }
    }

    private void Report(IReadOnlyCollection<string> problems)
    {
        lock (_gate) _problems = [.. problems];
        foreach (string problem in problems) Tell(problem);
    }

    private void Tell(string problem)
    {
        try
        {
            Options.OnProblem?.Invoke(problem);
        }
        catch (Exception e)   // of the program's own: the changes must arrive all the same
        {
            lock (_gate) _problems = _problems.Add($"OnProblem failed: {e.Message}");
        }
    }

    private NodeDocuments? ReadCache()
    {
        try
        {
            return Options.Cache?.Read(Options.Space, Options.Node, Options.Documents);
        }
        catch (InvalidDataException e)
        {
            Report([e.Message]);
            return null;
        }
    }

    private IEnumerable<string> WriteCache(NodeDocuments content)
    {
        try
        {
            Options.Cache?.Write(Options.Space, Options.Node, Options.Documents, content);
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [$"The values could not be kept for the next start: {e.Message}"];
        }
    }

    private ConclaveConfigurationException NothingToStartWith(Exception cause)
    {
        Dispose();
        string asked = string.Join(", ", Options.Endpoints), why = cause is TimeoutException ? $"no answer within {Options.StartupTimeout.TotalSeconds:0.###} s" : cause.Message;
        string also = string.Join(' ', Problems.Where(p => p != cause.Message).Prepend(""));
        string cache = Options.Cache is null ? "Set Cache to start from the last good values, or Optional to start without any." : $"There is nothing to start from in {Options.Cache.Directory} either.";
        return new ConclaveConfigurationException($"No configuration for {Options.Node} from {asked}: {why}.{also} {cache}", cause);
    }
}
