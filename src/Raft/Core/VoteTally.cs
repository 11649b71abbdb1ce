namespace Conclave.Raft;

/// <summary>Answers of one campaign, one per voter: a voter's second answer, whatever it says, does not count.</summary>
internal struct VoteTally
{
    public ulong Granted { get; private set; }
    public ulong Refused { get; private set; }

    public void Record(int slot, bool granted)
    {
        ulong bit = 1UL << slot;
        if (((Granted | Refused) & bit) != 0) return;
        if (granted) Granted |= bit;
        else Refused |= bit;
    }

    public readonly void Save(ref FieldWriter writer)
    {
        writer.Varint(Granted);
        writer.Varint(Refused);
    }

    public void Load(ref FieldReader reader)
    {
        (Granted, Refused) = (reader.Varint(), reader.Varint());
        reader.Expect((Granted & Refused) == 0);
    }
}
