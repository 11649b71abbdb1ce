namespace Conclave.Store.History;

/// <summary>The fields of one version, read from its wire form. A tombstone has create revision and version 0.</summary>
internal readonly ref struct KeyValueFields
{
    private readonly ReadOnlySpan<byte> _wire;
    private readonly int _valueField, _afterValue;

    public KeyValueFields(byte[] wire)
    {
        _wire = wire;
        Key = KeyValueWire.Key(wire);
        int at = KeyValueWire.AfterKey(wire);
        if (wire[at] == 0x10)
        {
            at++;
            Create = (long)KeyValueWire.ReadVarint(wire, ref at);
        }

        at++;
        Mod = (long)KeyValueWire.ReadVarint(wire, ref at);
        if (at < wire.Length)
        {
            at++;
            Version = (long)KeyValueWire.ReadVarint(wire, ref at);
        }

        _valueField = _afterValue = at;
        if (at < wire.Length && wire[at] == 0x2A)
        {
            at++;
            int length = (int)KeyValueWire.ReadVarint(wire, ref at);
            Value = wire.AsSpan(at, length);
            _afterValue = at += length;
        }

        if (at < wire.Length)
        {
            at++;
            Lease = (long)KeyValueWire.ReadVarint(wire, ref at);
        }
    }

    public ReadOnlySpan<byte> Key { get; }
    public long Create { get; }
    public long Mod { get; }
    public long Version { get; }
    public ReadOnlySpan<byte> Value { get; }
    public long Lease { get; }

    /// <summary>The wire form without its value is these two parts.</summary>
    public ReadOnlySpan<byte> BeforeValue => _wire[.._valueField];

    public ReadOnlySpan<byte> AfterValue => _wire[_afterValue..];
}
