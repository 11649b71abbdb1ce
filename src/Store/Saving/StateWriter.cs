using System.Buffers;
using System.Buffers.Binary;
using Conclave.Store.History;
using Conclave.Store.Protobuf;
using Conclave.Store.Sessions;
using Conclave.Store.Tree;

namespace Conclave.Store.Saving;

/// <summary>Writes a view in the format of <see cref="SavedState"/>, beside the writer and without slowing it.</summary>
internal sealed class StateWriter
{
    private const int ChunkBytes = 64 << 10;

    private readonly ISaveSink _sink;
    private readonly byte[] _chunk;
    private int _used;
    private Crc32C _crc = new();

    private StateWriter(ISaveSink sink, byte[] chunk)
    {
        _sink = sink;
        _chunk = chunk;
    }

    public static void Save(StoreView view, ISaveSink sink)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            new StateWriter(sink, chunk).Write(view);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private void Write(StoreView view)
    {
        WriteBytes(SavedState.Magic);
        bool isPlain = view.Sessions is null && view.Marks.Index == 0;
        bool hasAuth = !view.Auth.IsInitial;
        WriteInteger(hasAuth ? SavedState.FormatWithAuth : isPlain ? SavedState.FormatPlain : SavedState.FormatWithSessions, sizeof(uint));
        WriteInteger((ulong)view.Revision);
        WriteInteger((ulong)view.CompactRevision);
        WriteInteger(view.AppliedIndex);
        WriteInteger(view.AppliedTerm);

        foreach (LeaseState lease in view.Leases)
        {
            WriteLength(lease.Incarnation == 0 ? SavedState.LeaseBytes : SavedState.LeaseBytesWithIncarnation);
            WriteInteger((ulong)lease.Id);
            WriteInteger((ulong)lease.TtlSeconds);
            if (lease.Incarnation != 0)
                WriteInteger(lease.Incarnation);
        }

        WriteLength(0);
        foreach (ActiveAlarm alarm in view.Alarms)
        {
            WriteLength(SavedState.AlarmBytes);
            WriteInteger((ulong)alarm.Alarm, 1);
            WriteInteger(alarm.MemberId);
        }

        WriteLength(0);
        foreach ((ulong member, ReadOnlyMemory<byte> attributes) in view.MemberAttributes)
        {
            WriteLength(sizeof(ulong) + attributes.Length);
            WriteInteger(member);
            WriteBytes(attributes.Span);
        }

        WriteLength(0);
        if (!isPlain || hasAuth)
        {
            WriteSessions(view, hasAuth);
            WriteMarks(view.Marks);
        }

        if (hasAuth)
        {
            foreach (byte[] record in SavedAuth.Records(view.Auth))
                WriteRecord(record);
        }

        WriteKeys(view);
        WriteLength(0);
        ChangeLogView log = view.Log;
        for (long sequence = log.FirstAt(view.CompactRevision); sequence < log.End; sequence++)
            WriteRecord(log[sequence].Wire);
        WriteLength(0);
        Flush();
        WriteInteger(_crc.Value, sizeof(uint));
        Flush();
    }

    private void WriteSessions(StoreView view, bool withUsers)
    {
        foreach (SessionAnswer answer in SessionTable.All(view.Faults.HasFlag(StoreFaults.SaveNoSessions) ? null : view.Sessions))
        {
            byte[] user = withUsers ? SavedAuth.SessionUser(answer.User) : [];
            WriteLength(SavedState.SessionBytesMin + user.Length + answer.Body.Length);
            WriteInteger((ulong)answer.Id);
            WriteInteger(answer.Sequence);
            WriteInteger((ulong)answer.Error, 1);
            WriteInteger((ulong)answer.Revision);
            WriteBytes(user);
            WriteBytes(answer.Body);
        }

        WriteLength(0);
    }

    private void WriteMarks(ClusterMarks marks)
    {
        if (marks.Index != 0)
        {
            WriteLength(SavedState.MarkBytes);
            WriteInteger(marks.Index);
            WriteInteger(marks.Number);
            WriteInteger(marks.Scheme, sizeof(ushort));
        }

        foreach ((ulong id, MemberMark member) in marks.Members)
        {
            WriteLength(SavedState.MarkMemberBytes);
            WriteInteger(id);
            WriteInteger(member.IsVoter ? 1UL : 0, 1);
            WriteInteger(member.Acknowledged);
            WriteInteger((ulong)member.Verdict, 1);
            WriteInteger(member.Report is null ? 0UL : 1, 1);
            WriteInteger(member.Report ?? 0);
        }

        WriteLength(0);
    }

    private void WriteKeys(StoreView view)
    {
        var cursor = new TreeCursor<KeySlot>(view.State.Root);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            foreach (object item in cursor.Leaf!.Slots[..cursor.Leaf.Count])
            {
                if (KeySlot.Live(item, view.CompactRevision) is { } wire)
                    WriteRecord(wire);
            }
        }
    }

    private void WriteRecord(byte[] wire)
    {
        WriteLength(wire.Length);
        WriteBytes(wire);
    }

    private void WriteLength(int length)
    {
        Span<byte> room = stackalloc byte[Varint.IntBytesMax];
        WriteBytes(room[..Varint.Write(room, 0, (uint)length)]);
    }

    private void WriteInteger(ulong value, int bytes = sizeof(ulong))
    {
        Span<byte> room = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(room, value);
        WriteBytes(room[..bytes]);
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_used == ChunkBytes)
                Flush();
            int part = Math.Min(bytes.Length, ChunkBytes - _used);
            bytes[..part].CopyTo(_chunk.AsSpan(_used));
            _used += part;
            bytes = bytes[part..];
        }
    }

    private void Flush()
    {
        if (_used == 0)
            return;
        _crc.Add(_chunk.AsSpan(0, _used));
        _sink.Write(_chunk.AsSpan(0, _used));
        _used = 0;
    }
}
