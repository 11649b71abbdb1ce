using System.Runtime.CompilerServices;
using System.Text;

namespace Conclave.Fuzz.Engine;

/// <summary>Something that reads bytes from outside, with what must hold for any of them.</summary>
internal abstract class FuzzTarget
{
    public abstract string Name { get; }

    /// <summary>Inputs as real encoders write them. Never empty; the same in every run.</summary>
    public abstract IReadOnlyList<byte[]> Corpus();

    /// <summary>Pieces worth inserting, such as names that the format knows.</summary>
    public virtual IReadOnlyList<byte[]> Words => [];

    public virtual int BytesMax => 8 << 10;

    /// <summary>Memory that one input may cost: so much for anything, and so much for each of its bytes. Far above what is used, far below what hurts.</summary>
    public virtual (long Fixed, long PerByte) MemoryMax => (64 << 10, 256);

    /// <summary>Repairs checksums and the like after a mutation, so that inputs reach what lies behind.</summary>
    public virtual byte[] Seal(byte[] input, ref FuzzRandom random) => input;

    /// <summary>Reads the input. Returns for whatever the reader documents, its refusals included; throws for everything else.</summary>
    public abstract void Read(byte[] input);

    protected static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <exception cref="BrokenException">It does not hold.</exception>
    protected static void Holds(bool condition, string what, [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition) throw new BrokenException($"{what} ({expression} is false)");
    }
}

/// <summary>A reader took an input and made the wrong thing of it.</summary>
internal sealed class BrokenException(string what) : Exception(what);
