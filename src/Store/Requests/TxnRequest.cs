using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

/// <summary>The parts of a TxnRequest are read where they lie: this names their fields and walks one kind at a time.</summary>
internal ref struct TxnParts(ReadOnlySpan<byte> message, uint tag)
{
    public const uint Compares = 1 << 3 | 2, Success = 2 << 3 | 2, Failure = 3 << 3 | 2;

    private WireReader _reader = new(message);

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly bool Failed => _reader.Failed;

    /// <summary>Moves to the next part of the kind.</summary>
    public bool Next()
    {
        while (_reader.Next())
        {
            if (_reader.Tag == tag)
            {
                Current = _reader.Bytes();
                return !_reader.Failed;
            }

            _reader.Skip();
        }

        return false;
    }
}

internal enum OperationKind
{
    None = 0,
    Range = 1,
    Put = 2,
    DeleteRange = 3,
    Txn = 4,
}

/// <summary>One operation of a transaction. Of the union the member that came last counts, as etcd reads it.</summary>
internal ref struct RequestOperation
{
    public OperationKind Kind;
    public ReadOnlySpan<byte> Body;

    public static bool TryParse(ReadOnlySpan<byte> message, out RequestOperation operation)
    {
        operation = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Tag is (1 << 3 | 2) or (2 << 3 | 2) or (3 << 3 | 2) or (4 << 3 | 2))
            {
                operation.Kind = (OperationKind)(reader.Tag >> 3);
                operation.Body = reader.Bytes();
            }
            else
            {
                reader.Skip();
            }
        }

        return !reader.Failed;
    }
}
