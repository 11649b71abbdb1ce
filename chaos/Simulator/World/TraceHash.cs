namespace Conclave.Simulator;

/// <summary>A running hash of everything that happens: two runs of one seed are equal if these are.</summary>
internal struct TraceHash
{
    public ulong Value { get; private set; }

    public void Add(ulong value)
    {
        ulong mixed = (Value ^ value) * 0x9E3779B97F4A7C15;
        Value = mixed ^ (mixed >> 29);
    }

    public void Add(long value) => Add((ulong)value);
}
