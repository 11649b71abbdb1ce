using Spectre.Console;

namespace Conclave.Cli.Output;

/// <summary>Rows of text: a table for a person, tab-separated lines without a heading for a script.</summary>
internal static class Rows
{
    public static void Write(Terminal terminal, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!terminal.IsInteractive)
        {
            foreach (IReadOnlyList<string> row in rows) terminal.Out.WriteLine(string.Join('\t', row));
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        foreach (string column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)));
        foreach (IReadOnlyList<string> row in rows) table.AddRow(row.Select(cell => new Text(cell)));
        terminal.OpenTables().Write(table);
    }
}
