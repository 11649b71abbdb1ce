using Conclave.Store.History;
using Conclave.Store.Requests;

namespace Conclave.Store;

/// <summary>The operations of one command, or of one half of it, for <see cref="OperationCounts"/>.</summary>
internal struct OperationTally
{
    public int Ranges, Puts, Deletes;
    public long PutBytes;

    /// <summary>Whether a put looks at the key first, which is a range.</summary>
    public static bool Looks(in PutRequest put) => put.PreviousWanted || put.IgnoreValue || put.IgnoreLease;

    /// <summary>A put that was done; <paramref name="previous"/> is what it found.</summary>
    public void Put(in PutRequest put, byte[]? previous)
    {
        if (Looks(put))
            Ranges++;
        Puts++;
        PutBytes += put.Key.Length + (put.IgnoreValue && previous is not null ? KeyValueWire.Fields(previous).Value.Length : put.Value.Length);
    }

    /// <summary>A deletion that was done.</summary>
    public void Delete(bool previousWanted)
    {
        if (previousWanted)
            Ranges++;
        Deletes++;
    }
}
