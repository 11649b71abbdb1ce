namespace Conclave.Node.Peers;

/// <summary>What arrives from other members. Called on the connection's own thread, one frame after another.</summary>
internal interface IPeerHandler
{
    /// <param name="from">The member at the other end, as its greeting proved.</param>
    /// <param name="kind">What the body is.</param>
    /// <param name="body">Owned by the callee.</param>
    /// <returns>False when the frame makes no sense: the connection is closed.</returns>
    bool OnFrame(Raft.NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body);

    /// <summary>Everything that one read brought has been handed over.</summary>
    void OnFramesEnd(Raft.NodeId from);
}

/// <summary>Reads frames from one connection until it ends.</summary>
internal static class PeerReceiver
{
    private const int BufferBytesInitial = 256 << 10;

    /// <returns>Why it ended, for the log; null when the other side closed it in order.</returns>
    public static async Task<string?> RunAsync(PeerConnection connection, Raft.NodeId from, IPeerHandler handler, Action<int> onBytes, Action<ReadOnlySpan<byte>> onBeat, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytesInitial];
        int start = 0, end = 0;
        while (true)
        {
            int read = await connection.ReceiveAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
            if (read == 0) return null;
            onBytes(read);
            end += read;

            int wanted = 0;
            string? problem = null;
            while (start < end)
            {
                PeerFrame.ReadStatus status = PeerFrame.TryRead(buffer.AsSpan(start, end - start), out PeerFrameKind kind, out ReadOnlySpan<byte> body, out int frameBytes);
                if (status == PeerFrame.ReadStatus.Corrupt)
                {
                    problem = "a damaged frame arrived";
                    break;
                }

                if (status == PeerFrame.ReadStatus.NeedMore)
                {
                    wanted = frameBytes;
                    break;
                }

                if (kind == PeerFrameKind.Beat)
                {
                    onBeat(body);
                    start += frameBytes;
                    continue;
                }

                // The copy is what log entries keep: they must not hold on to a receive buffer.
                if (!handler.OnFrame(from, kind, body.ToArray()))
                {
                    problem = $"a frame of kind {(byte)kind} could not be read";
                    break;
                }

                start += frameBytes;
            }

            handler.OnFramesEnd(from);   // also for the good frames before a bad one: nobody else would wake their reader
            if (problem is not null) return problem;
            (buffer, start, end) = MakeRoom(buffer, start, end, wanted);
        }
    }

    private static (byte[] Buffer, int Start, int End) MakeRoom(byte[] buffer, int start, int end, int wanted)
    {
        int kept = end - start;
        if (kept == 0) return (buffer.Length > 4 << 20 ? new byte[BufferBytesInitial] : buffer, 0, 0);
        if (wanted <= buffer.Length && end < buffer.Length && start + Math.Max(wanted, PeerFrame.HeaderBytes) <= buffer.Length) return (buffer, start, end);
        byte[] target = wanted > buffer.Length ? new byte[Math.Max(wanted, BufferBytesInitial)] : buffer;
        buffer.AsSpan(start, kept).CopyTo(target);
        return (target, 0, kept);
    }
}
