using System.Buffers;

namespace Conclave.Raft;

/// <summary>All that a core is between two inputs, taken in a moment and written at leisure, on any thread.</summary>
/// <remarks><code>
///  | format u8 = 1 | payloads u8: 0 or 1 | state bytes varint | state | entries of the log (TailCodec) |
/// </code>
/// One form per state: equal cores give equal bytes, and bytes in any other form are refused. The log in memory is shared and never changes, so taking it costs a reference for each thousand entries. The form belongs to
/// one version of this program; nothing that outlives it may be kept in it.
/// </remarks>
public sealed class SavedCore
{
    internal const byte Format = 1;
    private readonly byte[] _state;
    private readonly Term _baseTerm;
    private readonly List<ReadOnlyMemory<Entry>> _runs;

    internal SavedCore(byte[] state, Term baseTerm, List<ReadOnlyMemory<Entry>> runs) => (_state, _baseTerm, _runs) = (state, baseTerm, runs);

    /// <summary>Bytes of everything but the log.</summary>
    public int StateBytes => _state.Length;

    /// <param name="output">Gets everything, in pieces.</param>
    /// <param name="payloads">
    /// Whether the payloads of the log go along. Without them the core goes on in the same way as far as it can tell, as it asks only how long they are; but what it
    /// sends and hands out cannot be read, only counted.
    /// </param>
    public void Write(IBufferWriter<byte> output, bool payloads)
    {
        var writer = new FieldWriter(output);
        writer.Byte(Format);
        writer.Flag(payloads);
        writer.Varint((ulong)_state.Length);
        writer.Bytes(_state);
        writer.Flush();
        TailCodec.Write(output, _baseTerm, _runs, payloads);
    }
}
