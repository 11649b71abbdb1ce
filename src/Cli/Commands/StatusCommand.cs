using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave status</c>: every member's own view, side by side.</summary>
internal sealed class StatusCommand : Command
{
    private static readonly string[] Columns = ["endpoint", "id", "version", "role", "term", "revision", "index", "applied", "size", "problems"];
    private const int RowsMax = 20;

    private readonly Option<bool> _wholeCluster = new("--cluster") { Description = "Ask all members, wherever the cluster says they are." };

    public StatusCommand() : base("status", "Show the state of the members at the endpoints. Exit code 1 when one is down or in trouble, 6 when all are.") =>
        Add(_wholeCluster);

    public StatusCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            if (!parsed.GetValue(_wholeCluster)) return await ShowAsync(client, terminal, cluster.IsJson(parsed), cancellationToken).ConfigureAwait(false);
            MemberList members = await client.Members.ListAsync(linearizable: false, cancellationToken).ConfigureAwait(false);
            await using ConclaveClient all = cluster.Connect(parsed, terminal, members.Members.SelectMany(member => member.ClientUrls.Take(1)));
            return await ShowAsync(all, terminal, cluster.IsJson(parsed), cancellationToken).ConfigureAwait(false);
        }));
        return this;
    }

    private static async Task<int> ShowAsync(ConclaveClient client, Terminal terminal, bool asJson, CancellationToken cancellationToken)
    {
        (Uri Endpoint, MemberStatus? Status, ConclaveException? Failure)[] answers =
            await Task.WhenAll(client.Endpoints.Select(endpoint => AskAsync(client, endpoint, cancellationToken))).ConfigureAwait(false);
        if (asJson)
        {
            foreach (var answer in answers) WriteJson(terminal, answer.Endpoint, answer.Status, answer.Failure);
        }
        else
        {
            Rows.Write(terminal, Columns, answers.Select(answer => Row(answer.Endpoint, answer.Status, answer.Failure)));
            if (answers.Any(answer => answer.Status is { LeaderId: not 0 })) await WriteFleetAsync(client, terminal, cancellationToken).ConfigureAwait(false);
        }

        foreach (var answer in answers)
        {
            if (answer.Failure is { } failure) terminal.Fail(failure.Message, failure is UnavailableException ? null : ExitCode.Remedy(failure));
        }

        // Who is refused has been answered, and trying again does not help.
        if (answers.Select(answer => answer.Failure).FirstOrDefault(failure => failure is not null and not UnavailableException) is { } refused) return ExitCode.Of(refused);
        if (answers.All(answer => answer.Status is null)) return ExitCode.Unavailable;
        return answers.All(answer => answer.Status is { LeaderId: not 0, Errors.IsEmpty: true }) ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<(Uri, MemberStatus?, ConclaveException?)> AskAsync(ConclaveClient client, Uri endpoint, CancellationToken cancellationToken)
    {
        try
        {
            return (endpoint, await client.Maintenance.StatusAsync(endpoint, cancellationToken).ConfigureAwait(false), null);
        }
        catch (ConclaveException e)
        {
            return (endpoint, null, e);
        }
    }

    /// <summary>Who runs which release and since when, where there are nodes that get configuration; of many, one line and where to look.</summary>
    private static async Task WriteFleetAsync(ConclaveClient client, Terminal terminal, CancellationToken cancellationToken)
    {
        try
        {
            FleetResponse fleet = await client.Configuration.FleetAsync(new FleetRequest { Space = terminal.Environment("CONCLAVE_SPACE") ?? "", Limit = RowsMax }, cancellationToken).ConfigureAwait(false);
            if (fleet.Counts.Count == 0) return;
            terminal.Out.WriteLine($"configuration {FleetCommand.Summary(fleet)}{(fleet.More ? " (conclave fleet says who)" : "")}");
            if (!fleet.More) FleetCommand.WriteRows(terminal, fleet.Nodes);
        }
        catch (ConclaveException)
        {
            // Who may see members may not see the configuration; and the members' state is what was asked for.
        }
    }

    private static string[] Row(Uri endpoint, MemberStatus? status, ConclaveException? failure) => status is null
        ? [endpoint.Authority, "", "", failure is null or UnavailableException ? "down" : "refused", "", "", "", "", "", ""]
        :
        [
            endpoint.Authority, Display.Id(status.Header.MemberId), status.Version, Role(status), Number(status.RaftTerm),
            status.Header.Revision.ToString(CultureInfo.InvariantCulture), Number(status.RaftIndex), Number(status.RaftAppliedIndex),
            Display.Size(status.DatabaseBytes), string.Join("; ", status.Errors.Select(error => error.Trim())),
        ];

    private static void WriteJson(Terminal terminal, Uri endpoint, MemberStatus? status, ConclaveException? failure) => Json.WriteLine(terminal, json =>
    {
        json.WriteString("endpoint", endpoint.Authority);
        json.WriteBoolean("up", status is not null);
        if (failure is not null) json.WriteString("error", failure.Message);
        if (status is null) return;
        Json.Header(json, status.Header);
        json.WriteString("version", status.Version);
        json.WriteString("role", Role(status));
        json.WriteString("leader_id", Display.Id(status.LeaderId));
        json.WriteNumber("raft_term", status.RaftTerm);
        json.WriteNumber("raft_index", status.RaftIndex);
        json.WriteNumber("raft_applied_index", status.RaftAppliedIndex);
        json.WriteNumber("db_size", status.DatabaseBytes);
        json.WriteNumber("db_size_in_use", status.DatabaseBytesInUse);
        json.WriteStartArray("errors");
        foreach (string error in status.Errors) json.WriteStringValue(error);
        json.WriteEndArray();
    });

    private static string Role(MemberStatus status) => status.IsLeader ? "leader" : status.IsLearner ? "learner" : "follower";

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
