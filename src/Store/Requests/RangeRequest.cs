using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

internal enum SortOrder
{
    None = 0,
    Ascend = 1,
    Descend = 2,
}

internal enum SortTarget
{
    Key = 0,
    Version = 1,
    Create = 2,
    Mod = 3,
    Value = 4,
}

internal ref struct RangeRequest
{
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> RangeEnd;
    public long Limit;
    public long Revision;
    public SortOrder Order;
    public SortTarget Target;
    public bool Serializable;
    public bool KeysOnly;
    public bool CountOnly;
    public long ModMin, ModMax, CreateMin, CreateMax;

    public readonly bool HasFilter => (ModMin | ModMax | CreateMin | CreateMax) != 0;

    public static bool TryParse(ReadOnlySpan<byte> message, out RangeRequest request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: request.Key = reader.Bytes(); break;
                case 2 << 3 | 2: request.RangeEnd = reader.Bytes(); break;
                case 3 << 3: request.Limit = (long)reader.Varint(); break;
                case 4 << 3: request.Revision = (long)reader.Varint(); break;
                case 5 << 3: request.Order = (SortOrder)reader.Enum(); break;
                case 6 << 3: request.Target = (SortTarget)reader.Enum(); break;
                case 7 << 3: request.Serializable = reader.Bool(); break;
                case 8 << 3: request.KeysOnly = reader.Bool(); break;
                case 9 << 3: request.CountOnly = reader.Bool(); break;
                case 10 << 3: request.ModMin = (long)reader.Varint(); break;
                case 11 << 3: request.ModMax = (long)reader.Varint(); break;
                case 12 << 3: request.CreateMin = (long)reader.Varint(); break;
                case 13 << 3: request.CreateMax = (long)reader.Varint(); break;
                default: reader.Skip(); break;
            }
        }

        return !reader.Failed;
    }

    /// <summary>What can be said without looking at any state.</summary>
    public readonly StoreError Check()
    {
        if (Key.IsEmpty)
            return StoreError.KeyNotProvided;
        return Order is < SortOrder.None or > SortOrder.Descend || Target is < SortTarget.Key or > SortTarget.Value
            ? StoreError.InvalidSortOption
            : StoreError.None;
    }
}
