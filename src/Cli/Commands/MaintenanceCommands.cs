using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave compact</c>, <c>conclave defrag</c> and <c>conclave hashkv</c>.</summary>
internal static class MaintenanceCommands
{
    public static Command Compact(Terminal terminal, ClusterOptions cluster)
    {
        Argument<long> revision = new("revision") { Description = "Newest revision to forget; it stays readable itself." };
        Option<bool> physical = new("--physical") { Description = "Return once the member asked has given the space back." };
        Command command = new("compact", "Forget the history before a revision. Exit code 3 when it was forgotten before, or lies ahead.") { revision, physical };
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, async client =>
        {
            ResponseHeader header = await client.CompactAsync(parsed.GetValue(revision), parsed.GetValue(physical), stop).ConfigureAwait(false);
            if (cluster.IsJson(parsed)) Json.WriteLine(terminal, json => Json.Header(json, header));
            else terminal.Out.WriteLine($"compacted revision {parsed.GetValue(revision)}");
            return ExitCode.Done;
        }));
        return command;
    }

    public static Command Defragment(Terminal terminal, ClusterOptions cluster)
    {
        Command command = new("defrag", "Let each endpoint give unused space back. Conclave's members do that by themselves, so there it is done at once; etcd's are blocked meanwhile.");
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, client => EachAsync(client, terminal, async endpoint =>
        {
            await client.Maintenance.DefragmentAsync(endpoint, stop).ConfigureAwait(false);
            if (cluster.IsJson(parsed)) Json.WriteLine(terminal, json => json.WriteString("endpoint", endpoint.Authority));
            else terminal.Out.WriteLine($"{endpoint.Authority}\tdefragmented");
        })));
        return command;
    }

    public static Command HashKv(Terminal terminal, ClusterOptions cluster)
    {
        Option<long> revision = new("--rev") { Description = "Revision to hash at. [default: the newest that all endpoints have]", HelpName = "revision" };
        Command command = new("hashkv", "Print a hash of the keys of each endpoint at one revision. Exit code 1 when they differ.") { revision };
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, async client =>
        {
            // Hashes of different revisions say nothing about each other, and members are rarely at the same one just now.
            long at = parsed.GetValue(revision) is > 0 and var given ? given : await OldestAsync(client, stop).ConfigureAwait(false);
            HashSet<(uint, long)> seen = [];
            int code = await EachAsync(client, terminal, async endpoint =>
            {
                KeyHash hash = await client.Maintenance.HashKvAsync(at, endpoint, stop).ConfigureAwait(false);
                seen.Add((hash.Hash, hash.CompactRevision));
                Write(terminal, cluster.IsJson(parsed), endpoint, hash, at);
            }).ConfigureAwait(false);
            if (code != ExitCode.Done || seen.Count <= 1) return code;
            terminal.Fail("The hashes differ.", seen.Select(s => s.Item2).Distinct().Count() > 1 ? "The members have compacted up to different revisions: try again in a moment." : "Look at: conclave status, conclave alarm list");
            return ExitCode.No;
        }));
        return command;
    }

    private static void Write(Terminal terminal, bool asJson, Uri endpoint, KeyHash hash, long revision)
    {
        if (!asJson)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{endpoint.Authority}\t{hash.Hash}\trevision {revision}\tcompacted {hash.CompactRevision}"));
            return;
        }

        Json.WriteLine(terminal, json =>
        {
            json.WriteString("endpoint", endpoint.Authority);
            Json.Header(json, hash.Header);
            json.WriteNumber("hash", hash.Hash);
            json.WriteNumber("hash_revision", revision);
            json.WriteNumber("compact_revision", hash.CompactRevision);
        });
    }

    private static async Task<long> OldestAsync(ConclaveClient client, CancellationToken stop)
    {
        long oldest = long.MaxValue;
        foreach (Uri endpoint in client.Endpoints) oldest = Math.Min(oldest, (await client.Maintenance.StatusAsync(endpoint, stop).ConfigureAwait(false)).Header.Revision);
        return oldest;
    }

    /// <summary>Goes on after a failure, so that one member that is down hides nothing of the others.</summary>
    private static async Task<int> EachAsync(ConclaveClient client, Terminal terminal, Func<Uri, Task> call)
    {
        int code = ExitCode.Done;
        foreach (Uri endpoint in client.Endpoints)
        {
            try
            {
                await call(endpoint).ConfigureAwait(false);
            }
            catch (ConclaveException failure)
            {
                terminal.Fail(failure.Message, ExitCode.Remedy(failure));
                code = ExitCode.Of(failure);
            }
        }

        return code;
    }
}
