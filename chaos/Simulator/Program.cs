using System.Globalization;
using Conclave.Simulator;

// simulator --seed N [--steps M] [--mutation NAME] [--trace]      replays one run
// simulator explore [--minutes M] [--parallel P] [--from SEED] [--steps M] [--mutation NAME]
// simulator mutations [--seeds N] [--steps M]                      the first seed that catches each deliberate bug
// --without-i8: let messages leave too early, and see whether what follows from it is noticed
var options = new Dictionary<string, string>();
for (int i = 0; i < args.Length; i++)
{
    if (!args[i].StartsWith("--", StringComparison.Ordinal)) continue;
    bool hasValue = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
    options[args[i]] = hasValue ? args[i + 1] : "";
}
int steps = (int)Number("--steps", Simulation.StepsDefault);
bool checkReleases = !options.ContainsKey("--without-i8");
Mutation mutation = options.TryGetValue("--mutation", out string? name) ? Enum.Parse<Mutation>(name) : Mutation.None;

switch (args.FirstOrDefault())
{
    case "explore":
        ulong from = options.ContainsKey("--from") ? Number("--from", 0) : (ulong)Random.Shared.NextInt64(1L << 40);
        var time = TimeSpan.FromMinutes(double.Parse(options.GetValueOrDefault("--minutes", "1"), CultureInfo.InvariantCulture));
        return Explorer.Explore(from, time, (int)Number("--parallel", 1), steps, mutation, Console.Out).Count == 0 ? 0 : 1;
    case "mutations":
        int missed = 0;
        foreach (Mutation each in Enum.GetValues<Mutation>().Where(m => m != Mutation.None))
        {
            (ulong Seed, Verdict Verdict)? caught = Explorer.FirstToCatch(each, 1, (int)Number("--seeds", 300), steps, checkReleases);
            Console.WriteLine(caught is { } found ? $"{each,-24} seed {found.Seed,4}  {found.Verdict.Failure!.Split('\n')[0]}" : $"{each,-24} NOT CAUGHT");
            if (caught is null) missed++;
        }
        return missed;
    default:
        if (!options.ContainsKey("--seed"))
        {
            Console.WriteLine("Say what to do: --seed N [--steps M] [--mutation NAME] [--trace], explore [--minutes M] [--parallel P], or mutations.");
            return 2;
        }
        Verdict verdict = Simulation.FromSeed(Number("--seed", 1), steps, mutation, options.ContainsKey("--trace") ? Console.Out : null, checkReleases).Run();
        Console.WriteLine($"{(verdict.Passed ? "passed" : verdict.Failure)}\n  {verdict.Events} events, {verdict.VirtualTime.TotalSeconds:F1} s of virtual time, trace {verdict.TraceHash:x16}\n  {verdict.Statistics}");
        return verdict.Passed ? 0 : 1;
}

ulong Number(string option, ulong otherwise) => options.TryGetValue(option, out string? text) ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;
