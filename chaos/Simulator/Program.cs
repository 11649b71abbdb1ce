using System.Globalization;
using System.Runtime.InteropServices;
using Conclave.Simulator;

const string Usage = """
    simulator --seed N [--steps M] [--mutation NAME] [--trace]          replays one run
    simulator run FILE [--trace]                                        runs a scenario
    simulator shrink (--seed N [--steps M] [--mutation NAME] | FILE) [--out FILE]   makes a failing run small and prints it as a scenario
    simulator explore [--minutes M] [--parallel P] [--from SEED] [--steps M] [--mutation NAME]   fresh seeds; failures are shrunk into artifacts/simulator
    simulator mutations [--seeds N] [--only PART] [--parallel P] [--markdown] [--pins FILE]   the first seed that notices each deliberate bug
    simulator renew                                                     the traces and scenarios that the build checks, after a change of what runs do
      --swap-every N   puts a saved and loaded copy in the place of a core at every N-th event (with --seed); the trace stays the same
      --without-i8   let messages leave too early, and see whether what follows from it is noticed
    """;

var options = new Dictionary<string, string>();
var names = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    if (!args[i].StartsWith("--", StringComparison.Ordinal))
    {
        names.Add(args[i]);
        continue;
    }
    bool hasValue = args[i] is not ("--trace" or "--without-i8" or "--markdown") && i + 1 < args.Length;
    options[args[i]] = hasValue ? args[++i] : "";
}
int steps = (int)Number("--steps", Simulation.StepsDefault);
bool checkReleases = !options.ContainsKey("--without-i8");
Mutation mutation = options.TryGetValue("--mutation", out string? name) ? Enum.Parse<Mutation>(name) : Mutation.None;
TextWriter? story = options.ContainsKey("--trace") ? Console.Out : null;

switch (names.FirstOrDefault())
{
    case "run" when names.Count == 2: return RunScenario(names[1]);
    case "shrink": return Shrink();
    case "explore": return Explore();
    case "mutations": return HuntMutations();
    case "renew": return ScenarioFiles.Renew(Console.Out).Count;
    case null when options.ContainsKey("--seed"):
        Simulation simulation = Simulation.FromSeed(Number("--seed", 1), steps, mutation, story, checkReleases);
        if (options.ContainsKey("--swap-every")) simulation.Swap = new CoreSwap(Math.Max(1, (int)Number("--swap-every", 1)));
        Verdict verdict = simulation.Run();
        Print(verdict);
        if (simulation.Swap is { } swaps) Console.WriteLine($"  {swaps.Count} swaps, the largest state {swaps.StateBytesMax} bytes without its log");
        return verdict.Passed ? 0 : 1;
    default:
        Console.WriteLine(Usage);
        return 2;
}

int RunScenario(string file)
{
    Scenario scenario = ScenarioText.Read(File.ReadAllText(file));
    Verdict verdict = Simulation.FromScenario(scenario, file, story).Run();
    Print(verdict);
    if (verdict.Invariant == scenario.Expect) return 0;
    Console.WriteLine($"Expected: {scenario.Expect ?? "everything holds"}.");
    return 1;
}

int Shrink()
{
    Scenario failing = names.Count == 2 ? ScenarioText.Read(File.ReadAllText(names[1])) : Scenario.FromSeed(Number("--seed", 1), steps, mutation, checkReleases);
    var shrinker = new Shrinker();
    if (shrinker.Shrink(failing) is not { } small)
    {
        Console.WriteLine("That run does not fail, so there is nothing to shrink.");
        return 2;
    }
    string text = ScenarioText.Print(small);
    if (options.TryGetValue("--out", out string? path)) File.WriteAllText(path, text);
    Console.WriteLine($"{text}# {shrinker.Runs} runs; {small.Strikes?.Count ?? 0} blows are left{(path is null ? "" : $", written to {path}")}");
    return 0;
}

int Explore()
{
    ulong from = options.ContainsKey("--from") ? Number("--from", 0) : (ulong)Random.Shared.NextInt64(1L << 40);
    var time = TimeSpan.FromMinutes(double.Parse(options.GetValueOrDefault("--minutes", "1"), CultureInfo.InvariantCulture));
    var explorer = new Explorer(steps, mutation, checkReleases) { ShrinkInto = Path.Combine("artifacts", "simulator") };
    // Ctrl-C or SIGTERM ends the search after the runs that are under way, and the totals are still told.
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        explorer.Stop();
    }
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    return explorer.Explore(from, time, (int)Number("--parallel", 1), Console.Out).Count == 0 ? 0 : 1;
}

int HuntMutations()
{
    Mutation[] chosen = [.. Mutations.All.Where(each => !options.TryGetValue("--only", out string? part) || $"{Mutations.LayerOf(each)}.{each}".Contains(part, StringComparison.OrdinalIgnoreCase))];
    bool markdown = options.ContainsKey("--markdown");
    var hunt = new MutationHunt((int)Number("--seeds", 300), steps, checkReleases);
    List<MutationCatch> all = hunt.HuntAll(chosen, (int)Number("--parallel", 1), one => (markdown ? Console.Error : Console.Out).WriteLine(one));
    if (markdown) Console.Write(MutationHunt.Markdown(all));
    if (options.TryGetValue("--pins", out string? pins)) File.WriteAllLines(pins, all.Where(one => one.Seed is not null).Select(one => FormattableString.Invariant($"{one.Mutation} {one.Seed}")));
    Console.Error.WriteLine($"{all.Count(one => one.Seed is not null)} of {all.Count} are noticed.");
    return all.Count(one => one.Seed is null);
}

void Print(Verdict verdict) =>
    Console.WriteLine($"{(verdict.Passed ? "passed" : verdict.Failure)}\n  {verdict.Events} events, {verdict.VirtualTime.TotalSeconds:F1} s of virtual time, trace {verdict.TraceHash:x16}\n  {verdict.Statistics}");

ulong Number(string option, ulong otherwise) => options.TryGetValue(option, out string? text) ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;
