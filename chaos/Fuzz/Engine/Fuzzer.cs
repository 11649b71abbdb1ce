using System.Diagnostics;

namespace Conclave.Fuzz.Engine;

/// <summary>What went wrong with one input.</summary>
internal sealed record Finding(string Target, byte[] Input, string What);

/// <summary>Feeds one target with inputs drawn from a seed, and judges each.</summary>
/// <remarks>One thread at a time. Another may watch <see cref="Inputs"/> to see that it moves.</remarks>
internal sealed class Fuzzer(FuzzTarget target, ulong seed)
{
    /// <summary>Of one target; after so many it is clear that something is wrong.</summary>
    public const int FindingsMax = 20;

    private readonly Mutator _mutator = new(target.Corpus(), target.Words, target.BytesMax);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private long _inputs;
    private volatile byte[] _current = [];

    public FuzzTarget Target => target;

    public List<Finding> Findings { get; } = [];

    public long Inputs => Volatile.Read(ref _inputs);

    /// <summary>What is being read; for the case that it never ends.</summary>
    public byte[] Current => _current;

    /// <summary>Ticks of <see cref="Stopwatch"/> spent here.</summary>
    public long Elapsed { get; private set; }

    /// <summary>The corpus as it is: whatever is written by us has to pass.</summary>
    public void RunCorpus(IEnumerable<byte[]> regressions)
    {
        foreach (byte[] input in target.Corpus().Concat(regressions)) Judge(input);
    }

    /// <summary>Draws and judges inputs until there were enough or time is up.</summary>
    public void Run(long inputsMax, TimeSpan timeMax)
    {
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < inputsMax && Findings.Count < FindingsMax; i++)
        {
            if (i % 64 == 0 && Stopwatch.GetElapsedTime(start) > timeMax) break;
            Judge(Draw(Inputs));
        }

        Elapsed += Stopwatch.GetTimestamp() - start;
    }

    public byte[] Draw(long number)
    {
        FuzzRandom random = FuzzRandom.Of(seed, target.Name, number);
        byte[] input = _mutator.Draw(ref random);
        // Some stay unsealed: the check itself has to hold as well.
        return random.OneIn(8) ? input : target.Seal(input, ref random);
    }

    public void Judge(byte[] input)
    {
        Volatile.Write(ref _inputs, _inputs + 1);
        if (TryRead(input) is not { } what) return;
        // What is built once, at the first use of something, is not the input's doing: only what happens again counts.
        if (what.IsMemory && TryRead(input) is not { IsMemory: true }) return;
        if (_known.Add(what.Kind)) Findings.Add(new Finding(target.Name, input, what.Text));
    }

    private (string Kind, string Text, bool IsMemory)? TryRead(byte[] input)
    {
        _current = input;
        byte[] given = (byte[])input.Clone();   // readers may write into their buffer
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Read(given);
        }
        catch (Exception e)
        {
            // One of each kind: the place tells kinds apart.
            string place = e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Conclave", StringComparison.Ordinal) && !line.Contains(".Holds(", StringComparison.Ordinal)) ?? "";
            return ($"{e.GetType().Name} {place}", e.ToString(), false);
        }

        long used = GC.GetAllocatedBytesForCurrentThread() - before, allowed = target.MemoryMax.Fixed + target.MemoryMax.PerByte * input.Length;
        return used > allowed ? ("memory", $"An input of {input.Length} bytes cost {used} bytes of memory; {allowed} are allowed.", true) : null;
    }
}
