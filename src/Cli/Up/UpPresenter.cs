using Conclave.Cli.Output;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Conclave.Cli.Up;

/// <summary>Shows the cluster while it runs.</summary>
internal abstract class UpPresenter
{
    /// <summary>Runs the loop, which calls back with each new view.</summary>
    public abstract Task RunAsync(Func<Action<ClusterView>, Task> loop);

    public static UpPresenter For(Terminal terminal, bool restarts) =>
        terminal.IsInteractive ? new TablePresenter(terminal, restarts) : new LinePresenter(terminal);
}

/// <summary>For scripts and logs: a line when something has changed, and nothing else.</summary>
internal sealed class LinePresenter(Terminal terminal) : UpPresenter
{
    private string _summary = "";
    private Dictionary<string, string> _states = [];

    public override Task RunAsync(Func<Action<ClusterView>, Task> loop) => loop(Show);

    public void Show(ClusterView view)
    {
        foreach (ViewRow row in view.Rows)
        {
            string state = row.ProcessId.Length > 0 ? $"pid {row.ProcessId}" : row.State;
            if (_states.GetValueOrDefault(row.Member) == state) continue;
            _states = new Dictionary<string, string>(_states) { [row.Member] = state };
            terminal.Out.WriteLine($"{row.Member}: {row.Endpoint}, {state}");
        }

        if (view.Summary != _summary) terminal.Out.WriteLine(_summary = view.Summary);
        terminal.Out.Flush();
    }
}

/// <summary>For a person: a table that follows the cluster.</summary>
internal sealed class TablePresenter(Terminal terminal, bool restarts) : UpPresenter
{
    private static readonly string[] Headings = ["member", "role", "term", "revision", "lag", "endpoint", "pid", "state"];
    private ClusterView? _shown;

    public override Task RunAsync(Func<Action<ClusterView>, Task> loop) =>
        terminal.OpenTables().Live(new Text("")).AutoClear(false).StartAsync(context => loop(view =>
        {
            if (_shown is not null && _shown.Summary == view.Summary && _shown.Rows.SequenceEqual(view.Rows)) return;
            _shown = view;
            context.UpdateTarget(Draw(view));
            context.Refresh();
        }));

    private Spectre.Console.Rows Draw(ClusterView view)
    {
        Table table = new() { Border = TableBorder.Rounded };
        foreach (string heading in Headings) table.AddColumn(new TableColumn(heading) { NoWrap = heading != Headings[^1] });
        foreach (ViewRow row in view.Rows)
        {
            string colour = row.State == "up" ? row.Role == "leader" ? "green" : "default" : "red";
            string[] cells = [row.Member, row.Role, row.Term, row.Revision, row.Lag, row.Endpoint, row.ProcessId, row.State];
            table.AddRow(cells.Select(IRenderable (cell) => new Markup(Markup.Escape(cell), Style.Parse(colour))));
        }

        string keys = restarts ? "ctrl-c stops all" : "r restarts members that are down, ctrl-c stops all";
        return new Spectre.Console.Rows(new Text(view.Summary), table, new Markup($"[grey]{keys}[/]"));
    }
}
