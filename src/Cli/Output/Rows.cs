using Spectre.Console;

namespace Conclave.Cli.Output;

/// <summary>Rows of text: for a person a table without the columns that are empty, for a script tab-separated lines without a heading.</summary>
internal static class Rows
{
    public static void Write(Terminal terminal, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!terminal.IsInteractive)
        {
            foreach (IReadOnlyList<string> row in rows) terminal.Out.WriteLine(string.Join('\t', row));
            return;
        }

        string[][] cells = [.. rows.Select(row => row.ToArray())];
        int[] used = [.. Enumerable.Range(0, columns.Count).Where(column => cells.Any(row => row[column].Length > 0))];
        Table table = new() { Border = TableBorder.None };
        foreach (int column in used)
        {
            TableColumn heading = new($"[bold]{Markup.Escape(columns[column])}[/]") { Padding = new Padding(0, 0, 2, 0), NoWrap = column != used[^1] };
            table.AddColumn(heading);
        }

        foreach (string[] row in cells) table.AddRow(used.Select(column => new Text(row[column])));
        terminal.OpenTables().Write(table);
    }
}
