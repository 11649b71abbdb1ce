using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave alarm</c>: see alarms, and take them back.</summary>
internal sealed class AlarmCommand : Command
{
    public AlarmCommand(Terminal terminal, ClusterOptions cluster) : base("alarm", "See alarms, and take them back.")
    {
        Add(Sub("list", "Print raised alarms, a line each; nothing when there are none.", (client, stop) => client.Maintenance.AlarmsAsync(stop)));
        Add(Sub("disarm", "Take all alarms back, and print which. One whose cause remains is raised again.", DisarmAsync));

        Command Sub(string name, string description, Func<ConclaveClient, CancellationToken, ValueTask<ImmutableArray<Alarm>>> call)
        {
            Command command = new(name, description);
            command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, async client =>
            {
                ImmutableArray<Alarm> alarms = await call(client, stop).ConfigureAwait(false);
                Write(terminal, cluster.IsJson(parsed), alarms);
                return ExitCode.Done;
            }));
            return command;
        }
    }

    private static async ValueTask<ImmutableArray<Alarm>> DisarmAsync(ConclaveClient client, CancellationToken stop)
    {
        var disarmed = ImmutableArray.CreateBuilder<Alarm>();
        foreach (Alarm alarm in await client.Maintenance.AlarmsAsync(stop).ConfigureAwait(false)) disarmed.AddRange(await client.Maintenance.DisarmAsync(alarm, stop).ConfigureAwait(false));
        return disarmed.ToImmutable();
    }

    private static void Write(Terminal terminal, bool asJson, ImmutableArray<Alarm> alarms)
    {
        if (!asJson)
        {
            foreach (Alarm alarm in alarms) terminal.Out.WriteLine($"member {Display.Id(alarm.MemberId)}\t{NameOf(alarm.Kind)}");
            return;
        }

        Json.WriteLine(terminal, json =>
        {
            json.WriteStartArray("alarms");
            foreach (Alarm alarm in alarms)
            {
                json.WriteStartObject();
                json.WriteString("member_id", Display.Id(alarm.MemberId));
                json.WriteString("alarm", NameOf(alarm.Kind));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static string NameOf(AlarmKind kind) => kind switch
    {
        AlarmKind.NoSpace => "NOSPACE",
        AlarmKind.Corrupt => "CORRUPT",
        _ => kind.ToString(),
    };
}
