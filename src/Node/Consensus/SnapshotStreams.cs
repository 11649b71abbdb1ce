using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Sends snapshots to members that have fallen behind the log, and receives them. One connection each, resumable.</summary>
/// <remarks>
/// <code>
///  sender:    | term u64 | manifestBytes u32 | manifest |        all numbers little-endian
///  receiver:  | offset u64 |                                     how much of this very snapshot it has already
///  sender:    | the body from that offset |
///  receiver:  | accepted u8 |
/// </code>
/// The receiver checks every chunk before it writes it. What it gets is durable on its disk before its core hears of it.
/// </remarks>
internal sealed class SnapshotStreams(SnapshotStore snapshots, PeerTransport peers, Action<RaftInput> toCore, Func<LogIndex> logBase, ILogger logger)
{
    private const int ManifestBytesMax = 64 << 10, PieceBytes = 256 << 10;
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<NodeId, Task> _sending = [];
    private readonly ConcurrentDictionary<NodeId, EntryId> _brokenOff = [];   // what members have part of; one entry each
    private readonly ConcurrentDictionary<NodeId, Task> _sendingStates = [];
    private readonly SemaphoreSlim _receiving = new(1);
    private readonly CancellationTokenSource _stop = new();
    private ulong _lastSender;

    /// <summary>
    /// Begins to send the newest snapshot, or goes on with the one that broke off if the log here still follows on it; unless one is on its way there. Reports
    /// the end to the core.
    /// </summary>
    public void Send(NodeId to, ulong term)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_stop.IsCancellationRequested || !_sending.TryAdd(to, ended.Task)) return;
        _ = Task.Run(() => SendReservedAsync(to, term, ended));
    }

    /// <summary>Sends the newest snapshot to a member whose state is wrong; its core and this one's hear nothing of it.</summary>
    /// <returns>Whether it has it.</returns>
    public async Task<bool> SendStateAsync(NodeId to)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_stop.IsCancellationRequested || !_sendingStates.TryAdd(to, ended.Task)) return false;
        try
        {
            return await TrySendAsync(to, StateRepair.StateTerm, snapshots.Latest).ConfigureAwait(false);
        }
        finally
        {
            _sendingStates.TryRemove(to, out _);
            ended.SetResult();
        }
    }

    /// <summary>Who sent the last snapshot that was received for the core; None before the first.</summary>
    public NodeId LastSender => new(Volatile.Read(ref _lastSender));

    /// <summary>Takes snapshots that replace a state; set before anything runs.</summary>
    public Action<NodeId, SnapshotId> OnState { get; set; } = (_, _) => { };

    /// <summary>Serves the connection of a sender.</summary>
    public async Task ReceiveAsync(NodeId from, PeerConnection connection, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        await _receiving.WaitAsync(limit.Token).ConfigureAwait(false);   // the store takes one at a time; a second sender waits or gives up
        try
        {
            await ReceiveOneAsync(from, connection, limit).ConfigureAwait(false);
        }
        catch (StorageException problem)
        {
            Log.SnapshotNotReceived(logger, from, problem.Message);
        }
        finally
        {
            _receiving.Release();
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll([.. _sending.Values, .. _sendingStates.Values]).ConfigureAwait(false);
    }

    /// <summary>Whatever happens, the place in <see cref="_sending"/> is given back and the core hears of it: else that peer never got a snapshot again.</summary>
    private async Task SendReservedAsync(NodeId to, ulong term, TaskCompletionSource ended)
    {
        bool sent = false;
        try
        {
            sent = await TrySendAsync(to, term, () => Open(to)).ConfigureAwait(false);
        }
        finally
        {
            _sending.TryRemove(to, out _);   // before the report: the core may ask for the next one at once
            ended.SetResult();
            toCore(RaftInput.SnapshotSendFinished(to, sent));
        }
    }

    private async Task<bool> TrySendAsync(NodeId to, ulong term, Func<SnapshotFile?> open)
    {
        try
        {
            using SnapshotFile? file = open();
            if (file is null) return false;
            if (term != StateRepair.StateTerm) _brokenOff[to] = file.Id.Last;
            using PeerConnection connection = await peers.DialForSnapshotAsync(to, _stop.Token).ConfigureAwait(false);
            bool accepted = await SendAsync(connection, term, file).ConfigureAwait(false);
            if (accepted) _brokenOff.TryRemove(to, out _);
            if (accepted) Log.SnapshotSent(logger, file.Id.Last.Index.Value, file.LengthBytes, to);
            return accepted;
        }
        catch (Exception problem)
        {
            bool expected = problem is SocketException or IOException or StorageException or TimeoutException or PeerRefusedException or OperationCanceledException;
            if (!expected || !_stop.IsCancellationRequested) Log.SnapshotNotSent(logger, to, expected ? problem.Message : problem.ToString());
            return false;
        }
    }

    /// <summary>While a large one is sent, newer ones are written. Beginning anew with each of them might never end.</summary>
    private SnapshotFile? Open(NodeId to)
    {
        try
        {
            if (_brokenOff.TryGetValue(to, out EntryId last) && last.Index >= logBase() && snapshots.Open(last) is { } file) return file;
        }
        catch (StorageException)
        {
            // The newest may be better; what is wrong with this one is for the scrubber and the next start to say.
        }

        return snapshots.Latest();
    }

    private async Task<bool> SendAsync(PeerConnection connection, ulong term, SnapshotFile file)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(SilenceMax);
        byte[] manifest = file.Manifest.Encode();
        byte[] head = new byte[12 + manifest.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(head, term);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), manifest.Length);
        manifest.CopyTo(head, 12);
        await connection.SendAllAsync(head, limit.Token).ConfigureAwait(false);

        byte[] answer = new byte[8];
        await PeerLink.ReceiveExactlyAsync(connection, answer, limit.Token).ConfigureAwait(false);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(answer);
        byte[] piece = new byte[PieceBytes];
        while (offset >= 0 && file.ReadRaw(offset, piece) is > 0 and int read)
        {
            limit.CancelAfter(SilenceMax);   // counts from the last sign of progress, so that a large snapshot may take its time
            await connection.SendAllAsync(piece.AsMemory(0, read), limit.Token).ConfigureAwait(false);
            offset += read;
        }

        limit.CancelAfter(SilenceMax);
        await PeerLink.ReceiveExactlyAsync(connection, answer.AsMemory(0, 1), limit.Token).ConfigureAwait(false);
        return answer[0] == 1;
    }

    private async Task ReceiveOneAsync(NodeId from, PeerConnection connection, CancellationTokenSource limit)
    {
        limit.CancelAfter(SilenceMax);
        byte[] head = new byte[12];
        await PeerLink.ReceiveExactlyAsync(connection, head, limit.Token).ConfigureAwait(false);
        var term = new Term(BinaryPrimitives.ReadUInt64LittleEndian(head));
        int manifestBytes = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(8));
        if (manifestBytes is <= 0 or > ManifestBytesMax) return;
        byte[] encoded = new byte[manifestBytes];
        await PeerLink.ReceiveExactlyAsync(connection, encoded, limit.Token).ConfigureAwait(false);
        if (!SnapshotManifest.TryDecode(encoded, out SnapshotManifest? manifest)) return;

        SnapshotReceiver receiver = snapshots.BeginReceive(manifest);   // kept by the store for the next try when this one breaks off
        byte[] piece = new byte[PieceBytes];
        BinaryPrimitives.WriteInt64LittleEndian(piece, receiver.ReceivedBytes);
        await connection.SendAllAsync(piece.AsMemory(0, 8), limit.Token).ConfigureAwait(false);
        while (!receiver.IsComplete)
        {
            limit.CancelAfter(SilenceMax);
            int read = await connection.ReceiveAsync(piece, limit.Token).ConfigureAwait(false);
            if (read == 0 || receiver.Append(receiver.ReceivedBytes, piece.AsSpan(0, read)) != SnapshotReceipt.Accepted) return;
        }

        SnapshotId id;
        using (SnapshotFile file = receiver.Finish()) id = file.Id;
        if (term.Value == StateRepair.StateTerm) OnState(from, id);
        else
        {
            Volatile.Write(ref _lastSender, from.Value);   // before the core can take it over
            toCore(RaftInput.SnapshotReceived(from, term, id));
        }

        await connection.SendAllAsync(new byte[] { 1 }, limit.Token).ConfigureAwait(false);
    }
}
