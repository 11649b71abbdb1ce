using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections.Features;

namespace Conclave.Node.Http.Limits;

/// <summary>The blocks in which Kestrel keeps what is on its way over one connection: what has come and was not read, and what was answered and not taken.</summary>
/// <remarks>
/// Kestrel holds up to 64 KiB of each answer without a word about when it is sent, and a client may have thousands of calls on a connection. Only the memory itself tells
/// how much of that lies there. Costs two atomic additions for each block; what all connections hold together is told in steps, so that they do not meet there.
/// </remarks>
internal sealed class ConnectionMemory(ConnectionBlocks blocks, ClientShare share) : MemoryPool<byte>, IMemoryPoolFeature
{
    /// <summary>What a connection may hold beyond what the others know of.</summary>
    private const long StepBytes = 32 << 10;

    private const long Ended = long.MinValue;

    private long _held;
    private long _told;

    /// <summary>Bytes in use.</summary>
    public long HeldBytes => Volatile.Read(ref _held);

    /// <summary>Nothing of it counts any more.</summary>
    public bool IsEnded => Volatile.Read(ref _told) == Ended;

    public override int MaxBufferSize => ConnectionBlocks.BlockBytes;

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, ConnectionBlocks.BlockBytes);
        IMemoryOwner<byte> block = blocks.Take(this);
        Change(ConnectionBlocks.BlockBytes);
        return block;
    }

    /// <summary>A block of it is free again.</summary>
    public void OnReturned() => Change(-ConnectionBlocks.BlockBytes);

    /// <summary>The connection is over, or about to be: what is still in use will come back, and nobody has to wait for that.</summary>
    public void End()
    {
        long told = Interlocked.Exchange(ref _told, Ended);
        if (told != Ended) blocks.Count(share, -told);
    }

    protected override void Dispose(bool disposing)
    {
        // Kestrel's, which does not: the connection ends it.
    }

    private void Change(long bytes)
    {
        long held = Interlocked.Add(ref _held, bytes), told = Volatile.Read(ref _told);
        if (told == Ended || Math.Abs(held - told) < StepBytes) return;
        // Whoever comes at the same time has told nearly the same.
        if (Interlocked.CompareExchange(ref _told, held, told) == told) blocks.Count(share, held - told);
    }
}

/// <summary>Blocks for all connections, and how many bytes of them are in use. Thread safe.</summary>
/// <param name="max">Bytes; 0 is no limit.</param>
internal sealed class ConnectionBlocks(long max)
{
    public const int BlockBytes = 4096;

    /// <summary>Blocks that nobody uses and that are kept all the same: 64 MiB.</summary>
    private const int FreeMax = 16 * 1024;

    private readonly ConcurrentQueue<Block> _free = [];
    private int _freeCount;
    private long _total;

    /// <summary>Bytes that connections hold, but for the last 32 KiB of each.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>By so many bytes it is too much; 0 or less when it is not.</summary>
    public long Excess => max == 0 ? 0 : Total - max;

    /// <summary>Called when it has become too much; on a thread that must not be held up.</summary>
    public Action? OnExcess { get; set; }

    public IMemoryOwner<byte> Take(ConnectionMemory owner)
    {
        if (_free.TryDequeue(out Block? block)) Interlocked.Decrement(ref _freeCount);
        else block = new Block(this);
        block.Owner = owner;
        return block;
    }

    public void Count(ClientShare share, long bytes)
    {
        Interlocked.Add(ref share.BufferedBytes, bytes);
        long total = Interlocked.Add(ref _total, bytes);
        if (bytes > 0 && max > 0 && total > max) OnExcess?.Invoke();
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _freeCount) <= FreeMax) _free.Enqueue(block);
        else Interlocked.Decrement(ref _freeCount);   // left to the collector
    }

    private sealed class Block(ConnectionBlocks home) : IMemoryOwner<byte>
    {
        // Pinned, as Kestrel's own, because some of them go to the socket.
        public Memory<byte> Memory { get; } = System.Runtime.InteropServices.MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true), 0, BlockBytes);

        public ConnectionMemory? Owner;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref Owner, null) is not { } owner) return;   // returned before
            owner.OnReturned();
            home.Return(this);
        }
    }
}
