using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

/// <summary>The requests that are a few numbers: compaction, lease grant and revoke, alarm.</summary>
internal readonly record struct CompactionRequest(long Revision, bool Physical)
{
    public static bool TryParse(ReadOnlySpan<byte> message, out CompactionRequest request)
    {
        long revision = 0;
        bool physical = false;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: revision = (long)reader.Varint(); break;
                case 2 << 3: physical = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }

        request = new CompactionRequest(revision, physical);
        return !reader.Failed;
    }
}

internal readonly record struct LeaseGrantRequest(long TtlSeconds, long Id, ulong Incarnation)
{
    /// <summary>etcd's bound, about 285 years.</summary>
    public const long TtlSecondsMax = 9_000_000_000;

    public static bool TryParse(ReadOnlySpan<byte> message, out LeaseGrantRequest request)
    {
        long ttl = 0, id = 0;
        ulong incarnation = 0;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: ttl = (long)reader.Varint(); break;
                case 2 << 3: id = (long)reader.Varint(); break;
                case CommandBody.IncarnationTag: incarnation = reader.Varint(); break;
                default: reader.Skip(); break;
            }
        }

        request = new LeaseGrantRequest(ttl, id, incarnation);
        return !reader.Failed;
    }
}

internal readonly record struct LeaseRevokeRequest(long Id, ulong Incarnation)
{
    public static bool TryParse(ReadOnlySpan<byte> message, out LeaseRevokeRequest request)
    {
        long id = 0;
        ulong incarnation = 0;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: id = (long)reader.Varint(); break;
                case CommandBody.IncarnationTag: incarnation = reader.Varint(); break;
                default: reader.Skip(); break;
            }
        }

        request = new LeaseRevokeRequest(id, incarnation);
        return !reader.Failed;
    }
}

internal enum AlarmAction
{
    Get = 0,
    Activate = 1,
    Deactivate = 2,
}

internal readonly record struct AlarmRequest(AlarmAction Action, ulong MemberId, int Alarm)
{
    public static bool TryParse(ReadOnlySpan<byte> message, out AlarmRequest request)
    {
        int action = 0, alarm = 0;
        ulong member = 0;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: action = reader.Enum(); break;
                case 2 << 3: member = reader.Varint(); break;
                case 3 << 3: alarm = reader.Enum(); break;
                default: reader.Skip(); break;
            }
        }

        request = new AlarmRequest((AlarmAction)action, member, alarm);
        return !reader.Failed;
    }
}
