using System.Buffers.Binary;
using System.Collections.Immutable;
using Conclave.Store.History;
using Conclave.Store.Sessions;
using Conclave.Store.Writing;

namespace Conclave.Store.Saving;

/// <summary>Builds a state from the format of <see cref="SavedState"/>, and believes nothing that it can check.</summary>
internal static class StateReader
{
    /// <exception cref="StoreDamagedException">Not a whole saved state.</exception>
    public static StoreState Load(Stream source, StoreFaults faults, int paddingMax = 0)
    {
        var reader = new SavedReader(source);
        if (!reader.Bytes(SavedState.Magic.Length).SequenceEqual(SavedState.Magic))
            throw reader.Damaged("This is not a saved Conclave state");
        uint format = (uint)reader.Integer(sizeof(uint));
        if (format is < SavedState.FormatPlain or > SavedState.FormatWithAuth)
            throw reader.Damaged($"The saved state has format {format}, and this version reads {SavedState.FormatPlain} to {SavedState.FormatWithAuth}");

        var state = new StoreState { Faults = faults };
        long revision = (long)reader.Integer();
        state.CompactRevision = (long)reader.Integer();
        state.AppliedIndex = reader.Integer();
        state.AppliedTerm = reader.Integer();
        if (revision < 1 || state.CompactRevision < -1 || state.CompactRevision > revision)
            throw reader.Damaged($"Revision {revision} and compacted revision {state.CompactRevision} do not fit");

        LoadLeases(reader, state);
        LoadAlarms(reader, state);
        LoadAttributes(reader, state);
        if (format >= SavedState.FormatWithSessions)
        {
            LoadSessions(reader, state, revision, hasUsers: format >= SavedState.FormatWithAuth);
            LoadMarks(reader, state);
        }

        if (format >= SavedState.FormatWithAuth)
            state.Auth = SavedAuth.Load(reader);

        LoadKeys(reader, state);
        LoadChanges(reader, state, revision);
        reader.CheckEnd(paddingMax);
        return state;
    }

    private static void LoadLeases(SavedReader reader, StoreState state)
    {
        long previous = long.MinValue;
        for (bool first = true; reader.TryRecord(out ReadOnlySpan<byte> record); first = false)
        {
            reader.Expect(record.Length is SavedState.LeaseBytes or SavedState.LeaseBytesWithIncarnation, "A lease has another length");
            long id = BinaryPrimitives.ReadInt64LittleEndian(record);
            reader.Expect(id != 0 && (first || id > previous), "Leases are out of order");
            ulong incarnation = record.Length == SavedState.LeaseBytes ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(record[SavedState.LeaseBytes..]);
            reader.Expect((incarnation != 0) == (record.Length != SavedState.LeaseBytes), "A lease has an empty incarnation");
            state.Leases.Grant(new LeaseState(id, BinaryPrimitives.ReadInt64LittleEndian(record[sizeof(long)..]), incarnation));
            previous = id;
        }
    }

    private static void LoadAlarms(SavedReader reader, StoreState state)
    {
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            reader.Expect(record.Length == SavedState.AlarmBytes && record[0] is (byte)AlarmKind.NoSpace or (byte)AlarmKind.Corrupt, "An alarm is of no known kind");
            state.Alarms = state.Alarms.Add(new ActiveAlarm((AlarmKind)record[0], BinaryPrimitives.ReadUInt64LittleEndian(record[1..])));
        }
    }

    private static void LoadAttributes(SavedReader reader, StoreState state)
    {
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            reader.Expect(record.Length > sizeof(ulong), "Member attributes are cut short");
            state.Attributes = state.Attributes.SetItem(BinaryPrimitives.ReadUInt64LittleEndian(record), record[sizeof(ulong)..].ToArray());
        }
    }

    private static void LoadSessions(SavedReader reader, StoreState state, long revision, bool hasUsers)
    {
        long previous = long.MinValue;
        for (bool first = true; reader.TryRecord(out ReadOnlySpan<byte> record); first = false)
        {
            reader.Expect(record.Length >= SavedState.SessionBytesMin, "A session is cut short");
            long id = BinaryPrimitives.ReadInt64LittleEndian(record);
            ulong sequence = BinaryPrimitives.ReadUInt64LittleEndian(record[8..]);
            var error = (StoreError)record[16];
            long answered = BinaryPrimitives.ReadInt64LittleEndian(record[17..]);
            reader.Expect(first || id > previous, "Sessions are out of order");
            reader.Expect(state.Leases.Contains(id), "A session is of an unknown lease");
            reader.Expect(sequence > 0 && error <= StoreError.AuthRevisionOld && answered >= 1 && answered <= revision, "The answer of a session does not fit");
            ReadOnlySpan<byte> rest = record[SavedState.SessionBytesMin..];
            string? user = null;
            reader.Expect(!hasUsers || SavedAuth.TryReadSessionUser(ref rest, out user), "The user of a session does not fit");
            state.Sessions.Keep(new SessionAnswer(id, sequence, error, answered, rest.ToArray(), user));
            previous = id;
        }
    }

    private static void LoadMarks(SavedReader reader, StoreState state)
    {
        if (!reader.TryRecord(out ReadOnlySpan<byte> mark))
            return;
        reader.Expect(mark.Length == SavedState.MarkBytes, "A mark has another length");
        ulong index = BinaryPrimitives.ReadUInt64LittleEndian(mark), number = BinaryPrimitives.ReadUInt64LittleEndian(mark[8..]);
        ushort scheme = BinaryPrimitives.ReadUInt16LittleEndian(mark[16..]);
        reader.Expect(index > 0 && index <= state.AppliedIndex, "A mark lies behind the last entry");
        var members = ImmutableSortedDictionary.CreateBuilder<ulong, MemberMark>();
        ulong previous = 0;
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            reader.Expect(record.Length == SavedState.MarkMemberBytes, "A member of a mark has another length");
            ulong id = BinaryPrimitives.ReadUInt64LittleEndian(record), report = BinaryPrimitives.ReadUInt64LittleEndian(record[19..]);
            reader.Expect(id > previous, "The members of a mark are out of order");
            reader.Expect(record[8] <= 1 && record[17] <= (byte)MemberVerdict.Undecided && record[18] <= 1 && (record[18] == 1 || report == 0), "A member of a mark does not fit");
            members.Add(id, new MemberMark(record[8] == 1, BinaryPrimitives.ReadUInt64LittleEndian(record[9..]), record[18] == 1 ? report : null, (MemberVerdict)record[17]));
            previous = id;
        }

        state.Marks = new ClusterMarks { Index = index, Number = number, Scheme = scheme, Members = members.ToImmutable() };
    }

    private static void LoadKeys(SavedReader reader, StoreState state)
    {
        byte[]? previous = null;
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            reader.Expect(SavedRecord.TryRead(record, out byte[]? wire), "A key is not in the form it is written in");
            KeyValueFields fields = KeyValueWire.Fields(wire!);
            reader.Expect(fields.Version > 0 && fields.Create <= fields.Mod && fields.Mod <= state.CompactRevision, "The revisions of a key do not fit");
            reader.Expect(previous is null || fields.Key.SequenceCompareTo(KeyValueWire.Key(previous)) > 0, "Keys are out of order");
            state.LoadBase(wire!, fields.Key);
            previous = wire;
        }
    }

    private static void LoadChanges(SavedReader reader, StoreState state, long revision)
    {
        // The first revision that changes anything is 2.
        long first = Math.Max(state.CompactRevision, 2), at = first - 1;
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            reader.Expect(SavedRecord.TryRead(record, out byte[]? wire), "A change is not in the form it is written in");
            long mod = KeyValueWire.Mod(wire!);
            reader.Expect((mod == at && at >= first) || mod == at + 1, "Changes are out of order");
            at = mod;
            state.Revision = mod - 1;
            reader.Expect(mod <= state.CompactRevision ? state.TryLoadCompacted(wire!) : state.TryLoadChange(wire!), "A change does not fit the key it changes");
        }

        reader.Expect(at == revision, "Changes are missing, or there are more than there were revisions");
        // Only now: history tells of leases that are gone.
        reader.Expect(state.Leases.AreAllAttachmentsGranted(), "A key is attached to an unknown lease");
        state.EndRevision();
        state.Revision = state.Faults.HasFlag(StoreFaults.RevisionFallsOnLoad) && state.CompactRevision > 1 ? revision - 1 : revision;
    }
}
