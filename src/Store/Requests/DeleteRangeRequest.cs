using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

internal ref struct DeleteRangeRequest
{
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> RangeEnd;
    public bool PreviousWanted;

    public static bool TryParse(ReadOnlySpan<byte> message, out DeleteRangeRequest request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: request.Key = reader.Bytes(); break;
                case 2 << 3 | 2: request.RangeEnd = reader.Bytes(); break;
                case 3 << 3: request.PreviousWanted = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }

        return !reader.Failed;
    }

    /// <summary>What can be said without looking at any state.</summary>
    public readonly StoreError Check() => Key.IsEmpty ? StoreError.KeyNotProvided : StoreError.None;
}
