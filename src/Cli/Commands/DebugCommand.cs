using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Output;
using Conclave.Recording;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave debug</c>: looks into what a node left behind. Needs no running cluster.</summary>
internal sealed class DebugCommand : Command
{
    private readonly Argument<string> _path = new("recording") { Description = "A directory of recordings, of which the newest is taken from the oldest part kept; or a part, to begin there." };
    private readonly Option<long> _from = new("--from") { Description = "First batch to show; those before run unseen.", DefaultValueFactory = _ => 1, HelpName = "n" };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Show every batch, not only those in which roles, members, links or snapshots change." };

    public DebugCommand(Terminal terminal) : base("debug", "Look into what a node left behind.")
    {
        Command replay = new("replay", "Run a recorded node's consensus again and show what happened. Exit code 1 when this program behaves differently, or failed then and now.") { _path, _from, _verbose };
        replay.SetAction((parsed, cancellationToken) => Task.FromResult(Replay(terminal, parsed, cancellationToken)));
        Add(replay);
    }

    private int Replay(Terminal terminal, ParseResult parsed, CancellationToken cancellationToken)
    {
        string path = parsed.GetRequiredValue(_path);
        try
        {
            if (Directory.Exists(path))
            {
                if (RecordingDirectory.Newest(path) is not [var oldest, ..])
                {
                    terminal.Fail($"There is no recording in {path}.", $"They end in {RecordingDirectory.Extension} and are written by: conclave-node --record-inputs {path}");
                    return ExitCode.No;
                }

                path = oldest;
            }

            using ReplayRun run = ReplayRun.Open(path);
            terminal.Out.WriteLine(path);
            foreach (string line in TraceText.Start(run.Reader.Start, run.Core)) terminal.Out.WriteLine(line);
            return Run(terminal, run, parsed.GetValue(_from), parsed.GetValue(_verbose), cancellationToken);
        }
        catch (RecordingException e)
        {
            terminal.Fail(e.Message);
            return ExitCode.Validation;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Fail($"{path} cannot be read: {e.Message}");
            return ExitCode.Usage;
        }
    }

    private static int Run(Terminal terminal, ReplayRun run, long from, bool verbose, CancellationToken cancellationToken)
    {
        (long before, bool isSame) = (run.Batches, true);
        while (run.Next() is { } batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isWrong = batch.Difference is not null || batch.Failure is not null;
            isSame &= !isWrong;
            if (!isWrong && (batch.Number < from || !(verbose || TraceText.IsNotable(batch)))) continue;
            foreach (string line in TraceText.Lines(batch)) terminal.Out.WriteLine(line);
        }

        RecordingReader reader = run.Reader;
        string ending = !isSame ? "the replay stops here" : reader.End switch
        {
            RecordingEnd.Stopped => "the node stopped in order",
            RecordingEnd.Continued => "the part that goes on is not here, or the process was killed before there was one",
            RecordingEnd.TooLarge => "what came next had no room within the bound",
            RecordingEnd.FellBehind => "the disk could not keep up with the recording",
            RecordingEnd.CoreFailed => $"the node failed: {reader.Failure}",
            _ => reader.TornBytes > 0 ? $"the process was killed, in the middle of a write of {reader.TornBytes} bytes or more" : "the process was killed",
        };
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{run.Batches - before} batches, up to number {run.Batches} and tick {run.Ticks} in part {reader.Start.Part}; {run.Core.Role} in term {run.Core.Term}, commit {run.Core.Commit}, log to {run.Core.LastEntry}; {ending}"));
        if (isSame) terminal.Out.WriteLine("every output is as it was recorded");
        return isSame ? ExitCode.Done : ExitCode.No;
    }
}
