using System.Diagnostics;
using System.Globalization;
using Conclave.Fuzz.Engine;

namespace Conclave.Fuzz;

/// <summary>One run over several targets: shares the time, watches for inputs that never end, keeps what is found.</summary>
internal sealed class FuzzSession(FuzzOptions options, FuzzTarget[] targets)
{
    /// <summary>Longer than any input takes on a machine that is busy with something else.</summary>
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(60);

    private static readonly string Folder = Path.Combine("artifacts", "fuzz");

    private readonly Lock _output = new();
    private readonly Fuzzer[] _fuzzers = [.. targets.Select(target => new Fuzzer(target, options.Seed))];
    private int _next = -1;
    private long _findings;

    /// <returns>True when nothing was found.</returns>
    public bool Run()
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"target",-18} {"inputs",12} {"inputs/s",10} {"findings",9}   seed {options.Seed}"));
        long start = Stopwatch.GetTimestamp();
        var workers = new Thread[Math.Max(options.Parallel, 1)];
        var watched = new (Fuzzer? Fuzzer, long Inputs, long Since)[workers.Length];
        for (int i = 0; i < workers.Length; i++)
        {
            int worker = i;
            // A deep recursion has to show, and to show as one on any machine.
            workers[i] = new Thread(() => Work(fuzzer => Volatile.Write(ref watched[worker].Fuzzer, fuzzer)), maxStackSize: 1 << 20) { IsBackground = true, Name = $"fuzz {i}" };
            workers[i].Start();
        }

        // A failure on a thread of the reader's own ends the process; what was being read then is all there is to go by.
        AppDomain.CurrentDomain.UnhandledException += (_, failure) =>
        {
            foreach (Fuzzer fuzzer in watched.Select(worker => worker.Fuzzer).OfType<Fuzzer>())
                Keep(new Finding(fuzzer.Target.Name, fuzzer.Current, $"The process ended while this, or what came just before it, was read: {failure.ExceptionObject}"));
        };
        while (workers.Any(worker => worker.IsAlive))
        {
            workers.First(worker => worker.IsAlive).Join(TimeSpan.FromSeconds(1));
            for (int i = 0; i < watched.Length; i++)
            {
                if (Volatile.Read(ref watched[i].Fuzzer) is not { } fuzzer) continue;
                if (watched[i].Inputs != fuzzer.Inputs) (watched[i].Inputs, watched[i].Since) = (fuzzer.Inputs, Stopwatch.GetTimestamp());
                else if (workers[i].IsAlive && Stopwatch.GetElapsedTime(watched[i].Since) > HangAfter)
                {
                    Keep(new Finding(fuzzer.Target.Name, fuzzer.Current, $"It did not end within {HangAfter.TotalSeconds} s."));
                    return false;
                }
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"all " + _fuzzers.Length,-18} {_fuzzers.Sum(fuzzer => fuzzer.Inputs),12:N0} {"",10} {_findings,9}   {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s"));
        return _findings == 0;
    }

    private void Work(Action<Fuzzer> onBegin)
    {
        while (Interlocked.Increment(ref _next) is var number && number < _fuzzers.Length)
        {
            Fuzzer fuzzer = _fuzzers[number];
            onBegin(fuzzer);
            fuzzer.RunCorpus(Regressions.Of(fuzzer.Target.Name));
            fuzzer.Run(options.Inputs > 0 ? options.Inputs : long.MaxValue, options.Time * Math.Max(options.Parallel, 1) / _fuzzers.Length);
            lock (_output)
            {
                double seconds = fuzzer.Elapsed / (double)Stopwatch.Frequency;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{fuzzer.Target.Name,-18} {fuzzer.Inputs,12:N0} {fuzzer.Inputs / Math.Max(seconds, 0.001),10:N0} {fuzzer.Findings.Count,9}"));
                foreach (Finding finding in fuzzer.Findings) Keep(finding);
            }
        }
    }

    private void Keep(Finding finding)
    {
        Directory.CreateDirectory(Folder);
        string path = Path.Combine(Folder, $"{finding.Target}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(finding.Input))[..12]}.bin");
        File.WriteAllBytes(path, finding.Input);
        Console.WriteLine($"  {finding.What.ReplaceLineEndings("\n  ")}\n  repeat: dotnet run -c Release --project chaos/Fuzz -- --target {finding.Target} --input {path}");
        Interlocked.Increment(ref _findings);
    }
}
