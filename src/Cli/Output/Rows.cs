namespace Conclave.Cli.Output;

/// <summary>
/// Rows of text. For a person: aligned columns under a heading, those that are empty left out. For a script: tab-separated
/// lines without a heading, every column always there.
/// </summary>
internal static class Rows
{
    private const string Gap = "  ";

    public static void Write(Terminal terminal, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!terminal.IsInteractive)
        {
            foreach (IReadOnlyList<string> row in rows) terminal.Out.WriteLine(string.Join('\t', row));
            return;
        }

        IReadOnlyList<string>[] all = [[.. columns.Select(column => column.ToUpperInvariant())], .. rows];
        if (all.Length == 1) return;   // a heading over nothing
        int[] shown = [.. Enumerable.Range(0, columns.Count).Where(column => all.Skip(1).Any(row => row[column].Length > 0))];
        int[] widths = [.. Enumerable.Range(0, columns.Count).Select(column => all.Max(row => row[column].Length))];
        foreach (IReadOnlyList<string> row in all)
            terminal.Out.WriteLine(string.Join(Gap, shown.Select(column => row[column].PadRight(widths[column]))).TrimEnd());
    }
}
