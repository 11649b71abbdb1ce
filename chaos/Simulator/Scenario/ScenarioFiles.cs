using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Conclave.Simulator;

/// <summary>The files that the build checks: scenarios, and what the traces of a few seeds are.</summary>
internal static class ScenarioFiles
{
    public const string RenewCommand = "dotnet run -c Release --project chaos/Simulator -- renew";
    private const int Seeds = 12, Steps = 5_000;

    /// <summary>In the sources, wherever they were built.</summary>
    public static string Directory => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "Scenarios")); // a source file has a directory

    public static string TracesPath => Path.Combine(Directory, "traces.txt");

    /// <summary>A line for each of some seeds.</summary>
    public static string Traces()
    {
        var text = new StringBuilder();
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed, Steps).Run();
            text.Append(CultureInfo.InvariantCulture, $"seed {seed} steps {Steps} trace {verdict.TraceHash:x16} events {verdict.Events}\n");
        }
        return text.ToString();
    }

    /// <summary>
    /// Writes the traces down as they are now, and looks for another run for each deliberate bug whose scenario no longer shows it. Scenarios of bugs that are
    /// repaired are left alone: they have to pass as they stand.
    /// </summary>
    /// <returns>Mutations that no run shows any more.</returns>
    public static IReadOnlyList<Mutation> Renew(TextWriter output)
    {
        File.WriteAllText(TracesPath, Traces());
        output.WriteLine($"wrote {TracesPath}");
        var blind = new List<Mutation>();
        foreach (Mutation mutation in Enum.GetValues<Mutation>())
        {
            if (mutation == Mutation.None) continue;
            string path = Path.Combine(Directory, $"mutation-{Words.Dashed(mutation.ToString())}.scenario");
            if (File.Exists(path) && ScenarioText.Read(File.ReadAllText(path)) is var old && Simulation.FromScenario(old).Run().Invariant == old.Expect) continue;
            if (new Explorer(Simulation.StepsDefault, mutation).FirstToCatch(1, 1_000) is not { } caught)
            {
                blind.Add(mutation);
                output.WriteLine($"{mutation}: no seed notices it");
                continue;
            }
            Scenario small = new Shrinker().Shrink(Scenario.FromSeed(caught.Seed, mutation: mutation))!; // it fails, the verdict says so
            File.WriteAllText(path, ScenarioText.Print(small));
            output.WriteLine($"wrote {path}");
        }
        return blind;
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
