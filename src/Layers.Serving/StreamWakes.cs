using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Conclave.Layers.Serving;

/// <summary>The streams that wait for news, by node, so that what concerns one host wakes one stream and not ten thousand.</summary>
public sealed class StreamWakes
{
    private readonly ConcurrentDictionary<(string Space, string Node), ImmutableArray<StreamWake>> _byNode = new();

    // Those that have had no message yet wait for a release, whomever that concerns.
    private readonly ConcurrentDictionary<StreamWake, string> _eager = new();
    private long _streams, _woken;

    /// <summary>Streams that are open.</summary>
    public long StreamCount => Interlocked.Read(ref _streams);

    /// <summary>How often a stream was told to look.</summary>
    public long WokenCount => Interlocked.Read(ref _woken);

    /// <summary>A stream begins. Dispose of it at its end.</summary>
    public StreamWake Enter(string space, string node)
    {
        var wake = new StreamWake(this, space, node);
        _byNode.AddOrUpdate((space, node), static (_, one) => [one], static (_, others, one) => others.Add(one), wake);
        _eager[wake] = space;
        Interlocked.Increment(ref _streams);
        return wake;
    }

    /// <param name="space">Where something is new.</param>
    /// <param name="nodes">Whom it may concern; null is everybody.</param>
    public void Wake(string space, IReadOnlySet<string>? nodes)
    {
        if (nodes is null)
        {
            foreach (((string at, _), ImmutableArray<StreamWake> streams) in _byNode)
            {
                if (at == space) Signal(streams);
            }

            return;
        }

        foreach (string node in nodes)
        {
            if (_byNode.TryGetValue((space, node), out ImmutableArray<StreamWake> streams)) Signal(streams);
        }

        if (nodes.Count == 0) return;
        foreach ((StreamWake stream, string at) in _eager)
        {
            if (at == space) stream.Signal();
        }
    }

    /// <summary>Everybody looks: whether this member may still serve them, among other things.</summary>
    public void WakeAll()
    {
        foreach (ImmutableArray<StreamWake> streams in _byNode.Values) Signal(streams);
    }

    internal void Leave(StreamWake wake, string space, string node)
    {
        Interlocked.Decrement(ref _streams);
        _eager.TryRemove(wake, out _);
        while (_byNode.TryGetValue((space, node), out ImmutableArray<StreamWake> streams))
        {
            ImmutableArray<StreamWake> rest = streams.Remove(wake);
            if (rest.IsEmpty ? _byNode.TryRemove(KeyValuePair.Create((space, node), streams)) : _byNode.TryUpdate((space, node), rest, streams)) return;
        }
    }

    internal void Calm(StreamWake wake) => _eager.TryRemove(wake, out _);

    internal void CountWoken() => Interlocked.Increment(ref _woken);

    private static void Signal(ImmutableArray<StreamWake> streams)
    {
        foreach (StreamWake stream in streams) stream.Signal();
    }
}

/// <summary>One stream's bell: rings once for any number of signals, and is not lost when nobody waits yet.</summary>
public sealed class StreamWake : IDisposable
{
    private readonly SemaphoreSlim _bell = new(0);
    private readonly StreamWakes _wakes;
    private readonly string _space, _node;
    private int _isSignalled;

    internal StreamWake(StreamWakes wakes, string space, string node) => (_wakes, _space, _node) = (wakes, space, node);

    public void Signal()
    {
        if (Interlocked.Exchange(ref _isSignalled, 1) != 0) return;
        _wakes.CountWoken();
        _bell.Release();
    }

    /// <summary>The stream has had its first message: from here on only what concerns its node wakes it.</summary>
    public void Calm() => _wakes.Calm(this);

    /// <summary>Returns when it was signalled since the last time. Look after it, and what comes meanwhile signals again.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await _bell.WaitAsync(cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _isSignalled, 0);
    }

    /// <summary>Once, at the end of the stream.</summary>
    public void Dispose() => _wakes.Leave(this, _space, _node);
}
