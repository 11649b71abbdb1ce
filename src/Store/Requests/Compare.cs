using Conclave.Store.Protobuf;

namespace Conclave.Store.Requests;

internal enum CompareResult
{
    Equal = 0,
    Greater = 1,
    Less = 2,
    NotEqual = 3,
}

internal enum CompareTarget
{
    Version = 0,
    Create = 1,
    Mod = 2,
    Value = 3,
    Lease = 4,
}

/// <summary>One condition of a transaction. Of the target union the member that came last counts.</summary>
internal ref struct Compare
{
    public CompareResult Result;
    public CompareTarget Target;
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> RangeEnd;
    private CompareTarget? _given;
    private long _number;
    private ReadOnlySpan<byte> _value;

    /// <summary>The right side; 0 when the union member does not match the target.</summary>
    public readonly long Number => _given == Target ? _number : 0;

    /// <summary>The right side for <see cref="CompareTarget.Value"/>; empty when the union holds another member.</summary>
    public readonly ReadOnlySpan<byte> Value => _given == CompareTarget.Value ? _value : default;

    public static bool TryParse(ReadOnlySpan<byte> message, out Compare compare)
    {
        compare = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: compare.Result = (CompareResult)reader.Enum(); break;
                case 2 << 3: compare.Target = (CompareTarget)reader.Enum(); break;
                case 3 << 3 | 2: compare.Key = reader.Bytes(); break;
                case 4 << 3: compare.Give(CompareTarget.Version, (long)reader.Varint()); break;
                case 5 << 3: compare.Give(CompareTarget.Create, (long)reader.Varint()); break;
                case 6 << 3: compare.Give(CompareTarget.Mod, (long)reader.Varint()); break;
                case 7 << 3 | 2:
                    compare._given = CompareTarget.Value;
                    compare._value = reader.Bytes();
                    break;
                case 8 << 3: compare.Give(CompareTarget.Lease, (long)reader.Varint()); break;
                case 64 << 3 | 2: compare.RangeEnd = reader.Bytes(); break;
                default: reader.Skip(); break;
            }
        }

        return !reader.Failed;
    }

    private void Give(CompareTarget member, long number)
    {
        _given = member;
        _number = number;
    }
}
