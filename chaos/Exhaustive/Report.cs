namespace Conclave.Exhaustive;

/// <summary>A search, told as it goes and summed up at the end.</summary>
internal static class Report
{
    /// <returns>0 when nothing is broken, 1 when something is.</returns>
    /// <exception cref="ArgumentException">The bounds have <see cref="Bounds.Problems"/>.</exception>
    public static int Run(Bounds bounds, TextWriter output)
    {
        string[] problems = [.. bounds.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join('\n', problems));
        output.WriteLine(bounds.ToString());
        output.WriteLine($"{"depth",5} {"new states",12} {"states",14} {"steps",15} {"of a node",10} {"states / s",12} {"time",10} {"memory",10}");
        Findings found = new Explorer(bounds, output).Run();
        Summarize(found, output);
        return found.Violation is null ? 0 : 1;
    }

    private static void Summarize(Findings found, TextWriter output)
    {
        output.WriteLine($"{found.States:N0} states in {found.Elapsed.TotalSeconds:F1} s ({found.States / found.Elapsed.TotalSeconds:N0} per second), depth {found.Depth}, {found.Steps:N0} steps, {found.Cut:N0} out of bounds.");
        output.WriteLine($"Made of {found.NodeStates:N0} states of single nodes, {found.MessagesSeen:N0} messages and {found.Histories:N0} histories; the core was run for {found.Computed:N0} inputs.");
        output.WriteLine($"Invariants: {found.Computed:N0} inputs (I2 I6 I7 I8 I9 I10 I11 at one node), {found.Checked:N0} looks at pairs and histories (I1 I2 I3 I4 I5 I7 I11 I14).");
        output.WriteLine(found.IsComplete ? "Complete: every state that can be reached within the bounds was seen." : found.Violation is null ? "Cut off: there are more states." : "Stopped at a violation.");
        if (found.Violation is null)
        {
            output.WriteLine("No violation.");
            return;
        }
        output.WriteLine($"VIOLATION after {found.Path.Count} steps: {found.Violation}");
        for (int at = 0; at < found.Path.Count; at++) output.WriteLine($"{at + 1,4}. {found.Path[at]}");
    }
}
