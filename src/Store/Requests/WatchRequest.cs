using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

internal enum WatchRequestKind
{
    None = 0,
    Create = 1,
    Cancel = 2,
    Progress = 3,
}

/// <summary>One message of a watch stream. Of the union the member that came last counts.</summary>
internal ref struct WatchRequest
{
    public WatchRequestKind Kind;
    public ReadOnlySpan<byte> Body;

    public static bool TryParse(ReadOnlySpan<byte> message, out WatchRequest request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Tag is (1 << 3 | 2) or (2 << 3 | 2) or (3 << 3 | 2))
            {
                request.Kind = (WatchRequestKind)(reader.Tag >> 3);
                request.Body = reader.Bytes();
            }
            else
            {
                reader.Skip();
            }
        }

        return !reader.Failed;
    }

    /// <summary>The only field of a WatchCancelRequest.</summary>
    public static bool TryParseCancel(ReadOnlySpan<byte> message, out long watchId)
    {
        watchId = 0;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Tag == 1 << 3)
                watchId = (long)reader.Varint();
            else
                reader.Skip();
        }

        return !reader.Failed;
    }
}

internal ref struct WatchCreateRequest
{
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> RangeEnd;
    public long StartRevision;
    public bool Progress;
    public bool SkipsPuts;
    public bool SkipsDeletes;
    public bool PreviousWanted;
    public long WatchId;
    public bool Fragment;

    public static bool TryParse(ReadOnlySpan<byte> message, out WatchCreateRequest request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: request.Key = reader.Bytes(); break;
                case 2 << 3 | 2: request.RangeEnd = reader.Bytes(); break;
                case 3 << 3: request.StartRevision = (long)reader.Varint(); break;
                case 4 << 3: request.Progress = reader.Bool(); break;
                case 5 << 3: request.AddFilter(reader.Enum()); break;
                case 5 << 3 | 2:
                    // Packed, as proto3 writes it; both forms are legal.
                    if (!request.AddFilters(reader.Bytes()))
                        return false;
                    break;
                case 6 << 3: request.PreviousWanted = reader.Bool(); break;
                case 7 << 3: request.WatchId = (long)reader.Varint(); break;
                case 8 << 3: request.Fragment = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }

        // What etcd makes of no key.
        if (request.Key.IsEmpty)
            request.Key = "\0"u8;
        return !reader.Failed;
    }

    private bool AddFilters(ReadOnlySpan<byte> packed)
    {
        var reader = new WireReader(packed);
        while (reader.HasMore)
            AddFilter(reader.Enum());
        return !reader.Failed;
    }

    private void AddFilter(int filter)
    {
        SkipsPuts |= filter == 0;
        SkipsDeletes |= filter == 1;
    }
}
