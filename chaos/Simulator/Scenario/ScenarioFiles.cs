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
    /// <returns>Scenarios for which there is no other run: the simulator has become blind there.</returns>
    public static IReadOnlyList<string> Renew(TextWriter output)
    {
        File.WriteAllText(TracesPath, Traces());
        output.WriteLine($"wrote {TracesPath}");
        var blind = new List<string>();
        foreach (string path in System.IO.Directory.GetFiles(Directory, "*.scenario").Order(StringComparer.Ordinal))
        {
            Scenario old = ScenarioText.Read(File.ReadAllText(path));
            if (old.Expect is null || Simulation.FromScenario(old).Run().Invariant == old.Expect) continue;
            if (new MutationHunt(seedsMax: 1_000, checkReleases: old.CheckReleases).Hunt(old.Mutation).Seed is { } seed)
            {
                Scenario small = new Shrinker().Shrink(Scenario.FromSeed(seed, mutation: old.Mutation, checkReleases: old.CheckReleases))!; // it fails, the hunt says so
                File.WriteAllText(path, ScenarioText.Print(small));
                output.WriteLine($"wrote {path}");
            }
            else
            {
                blind.Add(path);
                output.WriteLine($"{path}: no seed notices {old.Mutation}");
            }
        }
        return blind;
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
