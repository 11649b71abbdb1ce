using System.CommandLine;
using Conclave.Cli.Locks;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave elect</c>: lead, while a program runs or until stopped; or see who leads.</summary>
internal sealed class ElectCommand
{
    private readonly Argument<string> _name = new("name") { Description = "Name of the election; etcdctl elect and the Election service mean the same one." };
    private readonly Argument<string[]> _command = new("command") { Description = "Program to run while leading, behind --.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _value = new("--value") { Description = "What observers are shown of this candidate. [default: host name and process id]" };
    private readonly Option<bool> _listen = new("--listen", "-l") { Description = "Do not run for it: print each leader's key and value, a line each, until stopped." };

    public Command Run(Terminal terminal, ClusterOptions cluster)
    {
        Option<TimeSpan?> ttl = LockCommand.Ttl();
        Command command = new("elect", "Become a candidate and lead: while a program runs, or until stopped. Otherwise as lock.") { _name, _command, _value, _listen, ttl };
        command.Validators.Add(result =>
        {
            if (result.GetValue(_listen) && (result.GetValue(_command) is { Length: > 0 } || result.GetValue(_value) is not null))
                result.AddError("--listen only looks; leave the command and --value out.");
        });
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, client =>
        {
            LockOptions options = new()
            {
                Ttl = parsed.GetValue(ttl) ?? new LockOptions().Ttl,
                Value = parsed.GetValue(_value) ?? $"{Environment.MachineName}:{Environment.ProcessId}",
            };
            IElection election = client.Election(parsed.GetRequiredValue(_name), options);
            return parsed.GetValue(_listen) ? ListenAsync(terminal, cluster.IsJson(parsed), election, stop) : LeadAsync(parsed, terminal, cluster, election, options.Ttl, stop);
        }));
        return command;
    }

    private async Task<int> LeadAsync(ParseResult parsed, Terminal terminal, ClusterOptions cluster, IElection election, TimeSpan ttl, CancellationToken stop)
    {
        await using ILeadership leading = await election.CampaignAsync(stop).ConfigureAwait(false);
        if (parsed.GetValue(_command) is { Length: > 0 } program)
            return await new HeldCommand(leading.Key, leading.Term, leading.Lost, 0.05 * ttl).RunAsync(program, terminal, stop).ConfigureAwait(false);
        LockCommand.Write(terminal, cluster.IsJson(parsed), leading.Key, leading.Term);
        return await LockCommand.HoldAsync(terminal, leading.Key, leading.Lost, stop).ConfigureAwait(false);
    }

    private static async Task<int> ListenAsync(Terminal terminal, bool asJson, IElection election, CancellationToken stop)
    {
        try
        {
            await foreach (LeaderInfo? leader in election.ObserveAsync(stop).ConfigureAwait(false))
            {
                if (asJson) WriteJson(terminal, leader);
                else terminal.Out.WriteLine(leader is null ? "nobody leads" : $"{Display.Line(leader.Key)}\t{Display.Line(leader.Value)}");
                await terminal.Out.FlushAsync(stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Being stopped is how this ends.
        }

        return ExitCode.Done;
    }

    private static void WriteJson(Terminal terminal, LeaderInfo? leader) => Json.WriteLine(terminal, json =>
    {
        json.WriteBoolean("leads", leader is not null);
        if (leader is null) return;
        Json.Text(json, "key", leader.Key);
        Json.Text(json, "value", leader.Value);
        json.WriteNumber("fencing_token", leader.Term);
    });
}
