using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave watch</c>: prints changes as they happen, across lost connections, until stopped.</summary>
internal sealed class WatchCommand : Command
{
    private readonly RangeArguments _range;
    private readonly Option<long> _rev = new("--rev") { Description = "Start with this revision; 0 is from now on.", HelpName = "revision" };
    private readonly Option<bool> _prevKv = new("--prev-kv") { Description = "Print what the keys held before." };
    private readonly Option<bool> _progress = new("--progress-notify") { Description = "Print now and then up to which revision all is known." };

    public WatchCommand() : base("watch", "Print every change of a key or a range of keys, until stopped.")
    {
        _range = new RangeArguments(this);
        foreach (Option option in (Option[])[_rev, _prevKv, _progress]) Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(_rev) < 0) result.AddError("--rev must be 0 or more.");
        });
    }

    public WatchCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            WatchOptions options = new()
            {
                StartRevision = parsed.GetValue(_rev),
                ReturnPrevious = parsed.GetValue(_prevKv),
                ReportProgress = parsed.GetValue(_progress),
                Interrupted = loss => terminal.Fail(loss.Message, "The watch goes on at another endpoint, from the revision after the last one seen."),
            };
            try
            {
                await foreach (WatchUpdate update in client.WatchAsync(_range.Of(parsed), options, cancellationToken).ConfigureAwait(false))
                    Write(terminal, update, cluster.IsJson(parsed));
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Done;   // Being stopped is how a watch ends.
            }

            return ExitCode.Done;
        }));
        return this;
    }

    private static void Write(Terminal terminal, WatchUpdate update, bool asJson)
    {
        if (update.Events.IsEmpty && !asJson) terminal.Out.WriteLine($"{update.Revision}\tPROGRESS");
        if (update.Events.IsEmpty && asJson)
        {
            Json.WriteLine(terminal, json =>
            {
                json.WriteString("type", "PROGRESS");
                json.WriteNumber("revision", update.Revision);
            });
        }

        foreach (WatchEvent change in update.Events)
        {
            if (asJson) WriteJson(terminal, change);
            else WriteLine(terminal, change);
        }

        terminal.Out.Flush();
    }

    private static void WriteLine(Terminal terminal, WatchEvent change)
    {
        string key = Display.Line(change.Current.Key);
        terminal.Out.WriteLine(change.Kind == WatchEventKind.Put
            ? $"{change.Revision}\tPUT\t{key}\t{Display.Line(change.Current.Value)}"
            : $"{change.Revision}\tDELETE\t{key}");
        if (change.Previous is { } previous) terminal.Out.WriteLine($"{previous.ModRevision}\tPREVIOUS\t{key}\t{Display.Line(previous.Value)}");
    }

    private static void WriteJson(Terminal terminal, WatchEvent change) => Json.WriteLine(terminal, json =>
    {
        json.WriteString("type", change.Kind == WatchEventKind.Put ? "PUT" : "DELETE");
        json.WriteNumber("revision", change.Revision);
        Json.KeyValue(json, "kv", change.Current, withValue: change.Kind == WatchEventKind.Put);
        if (change.Previous is { } previous) Json.KeyValue(json, "prev_kv", previous);
    });
}
