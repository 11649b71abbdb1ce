using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Conclave.Node.Http.Limits;

/// <summary>Counts open connections, closes those above the limit before a byte of them is read, and looks after the others now and then.</summary>
internal sealed class ConnectionBound : IDisposable
{
    /// <summary>Who has asked nothing for so long loses the connection when it is needed for somebody else. Clients open another.</summary>
    private static readonly TimeSpan IdleMin = TimeSpan.FromMinutes(1);

    /// <summary>Looking for an idle connection means looking at all.</summary>
    private static readonly TimeSpan IdleLookInterval = TimeSpan.FromMilliseconds(100);

    private readonly ClientListenerOptions _options;
    private readonly ClientRefusals _refusals;
    private readonly FairBound _open;
    private readonly ClientShares _shares = new();
    private readonly ConcurrentDictionary<ClientConnection, bool> _connections = [];
    private readonly Lock _looking = new();
    private readonly ITimer _timer;
    private readonly ConnectionBlocks _blocks;
    private readonly Lock _relief = new();
    private int _relieving;
    private long? _lookedAt;   // under _looking

    public ConnectionBound(ClientListenerOptions options, ClientRefusals refusals)
    {
        (_options, _refusals, _open) = (options, refusals, new FairBound(options.Limits.Connections));
        _blocks = new ConnectionBlocks(options.Limits.BufferedBytes) { OnExcess = RelieveSoon };
        _timer = options.Time.CreateTimer(static me => ((ConnectionBound)me!).EndUnread(), this, options.AnswerPatience / 4, options.AnswerPatience / 4);
    }

    /// <summary>Bytes that Kestrel keeps for connections, but for the last 32 KiB of each.</summary>
    public long BufferedBytes => _blocks.Total;

    public void Use(ListenOptions listen) => listen.Use(next => connection => ServeAsync(next, connection));

    public void Dispose() => _timer.Dispose();

    private async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        ClientShare share = _shares.Enter(connection.RemoteEndPoint);
        var memory = new ConnectionMemory(_blocks, share);
        var counted = new ClientConnection(share, memory, connection, _options.Time.GetTimestamp());
        bool fits = _open.Take(ref share.Connections, 1) || TryMakeRoom(share);
        _refusals.ConnectionOpened();
        try
        {
            if (!fits)
            {
                _refusals.Say(RefusalReason.Connections, connection.RemoteEndPoint,
                    $"{_open.Total} connections are open, {share.Connections} of them from its address; --max-connections {_options.Limits.Connections} allows no more, or keeps the last quarter for other addresses");
                return;
            }

            connection.Features.Set(counted);
            connection.Features.Set<IMemoryPoolFeature>(memory);
            _connections.TryAdd(counted, true);
            await next(connection);
        }
        finally
        {
            _connections.TryRemove(counted, out _);
            memory.End();
            _refusals.ConnectionClosed();
            _open.GiveBack(ref share.Connections, 1);
            _shares.Leave(share);
        }
    }

    /// <summary>Closes the connection that has been idle for longest; while there is room for other addresses, one of the same address.</summary>
    private bool TryMakeRoom(ClientShare share)
    {
        long now = _options.Time.GetTimestamp();
        lock (_looking)
        {
            if (_lookedAt is { } last && _options.Time.GetElapsedTime(last, now) < IdleLookInterval) return false;
            _lookedAt = now;
        }

        bool anyAddress = _open.Total > _options.Limits.Connections;
        (ClientConnection? idlest, long since) = (null, long.MaxValue);
        foreach ((ClientConnection each, _) in _connections)
        {
            if ((anyAddress || each.Share == share) && each.IdleSince() is { } idle && idle < since) (idlest, since) = (each, idle);
        }

        if (idlest is null || _options.Time.GetElapsedTime(since, now) < IdleMin) return false;
        _refusals.Count(RefusalReason.IdleConnection);
        idlest.Abort("its place was needed");
        return true;
    }

    private void RelieveSoon()
    {
        if (Interlocked.Exchange(ref _relieving, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(static me => me.Relieve(), this, preferLocal: false);
    }

    /// <summary>Ends the connections that hold most, of the addresses that hold most, until it is not too much any more.</summary>
    private void Relieve()
    {
        Volatile.Write(ref _relieving, 0);   // before the look: what comes from now on causes another one
        lock (_relief) EndLargestUnderLock();   // two that look at the same time would end one each for the same excess
    }

    private void EndLargestUnderLock()
    {
        List<ClientConnection> all = [.. _connections.Keys.Where(each => !each.Memory.IsEnded)];
        while (_blocks.Excess > 0 && all.Count > 0)
        {
            ClientShare greediest = all.MaxBy(each => Volatile.Read(ref each.Share.BufferedBytes))!.Share;   // not null, as the next: there are some
            ClientConnection largest = all.Where(each => each.Share == greediest).MaxBy(each => each.Memory.HeldBytes)!;
            _refusals.Say(RefusalReason.Buffers, largest.Peer,
                $"{largest.Memory.HeldBytes} bytes lie in its connection, most of them not taken by it; --max-buffered-bytes {_options.Limits.BufferedBytes} allows no more");
            largest.Memory.End();
            largest.Abort("too much is on its way over it");
            all.Remove(largest);
        }
    }

    private void EndUnread()
    {
        TimeProvider time = _options.Time;
        long before = time.GetTimestamp() - (long)(_options.AnswerPatience.TotalSeconds * time.TimestampFrequency);
        foreach ((ClientConnection each, _) in _connections)
        {
            for (int ended = each.EndUnread(before); ended > 0; ended--) _refusals.Count(RefusalReason.UnreadAnswer);
        }
    }
}
