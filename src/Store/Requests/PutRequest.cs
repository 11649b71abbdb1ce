using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

internal ref struct PutRequest
{
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> Value;
    public long Lease;
    public bool PreviousWanted;
    public bool IgnoreValue;
    public bool IgnoreLease;

    public static bool TryParse(ReadOnlySpan<byte> message, out PutRequest request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: request.Key = reader.Bytes(); break;
                case 2 << 3 | 2: request.Value = reader.Bytes(); break;
                case 3 << 3: request.Lease = (long)reader.Varint(); break;
                case 4 << 3: request.PreviousWanted = reader.Bool(); break;
                case 5 << 3: request.IgnoreValue = reader.Bool(); break;
                case 6 << 3: request.IgnoreLease = reader.Bool(); break;
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
        if (IgnoreValue && !Value.IsEmpty)
            return StoreError.ValueProvided;
        return IgnoreLease && Lease != 0 ? StoreError.LeaseProvided : StoreError.None;
    }
}
