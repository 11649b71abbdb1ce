using System.CommandLine;
using Conclave.Cli.Locks;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave live</c>: who is alive, and saying so.</summary>
internal sealed class LiveCommands(ConfigOptions options)
{
    private const string Root = "conclave-live/";

    public Command All() => new("live", "Instances of services that are alive: what %{live:SERVICE} refers to.") { List(), Register() };

    private Command List()
    {
        Argument<string?> service = new("service") { Description = "Only of this one.", Arity = ArgumentArity.ZeroOrOne };
        return options.Run(new Command("list", "Print who is alive. Exit code 1 when nobody is.") { service }, async (client, parsed, cancellationToken) =>
        {
            string prefix = $"{Root}{Space(parsed)}/" + (parsed.GetValue(service) is { } one ? one + "/" : "");
            RangeResult found = await client.RangeAsync(KeyRange.Prefix(prefix), cancellationToken: cancellationToken).ConfigureAwait(false);
            (string[] Path, string Address)[] members = [.. found.Items.Select(kv => (kv.Key.ToString().Split('/', 4), kv.Value.ToString())).Where(m => m.Item1.Length == 4)];
            if (options.IsJson(parsed))
            {
                MessageText.Write(options.Terminal, options.Format(parsed), json =>
                {
                    json.WriteStartArray("members");
                    foreach ((string[] path, string address) in members)
                    {
                        json.WriteStartObject();
                        json.WriteString("service", path[2]);
                        json.WriteString("instance", path[3]);
                        json.WriteString("address", address);
                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                });
            }
            else
            {
                Rows.Write(options.Terminal, ["service", "instance", "address"], members.Select(m => (string[])[m.Path[2], m.Path[3], m.Address]));
            }

            return members.Length > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    private Command Register()
    {
        Argument<string> service = new("service") { Description = "The service." };
        Argument<string> instance = new("instance") { Description = "Which one: a host's name." };
        Argument<string> address = new("address") { Description = "What documents get." };
        Argument<string[]> program = new("command") { Description = "Program to run meanwhile, behind --.", Arity = ArgumentArity.ZeroOrMore };
        Option<TimeSpan?> ttl = new("--ttl") { Description = "How long it stays when this command dies: 1s to 24h. [default: 10s]", CustomParser = Duration.Parse, HelpName = "time" };
        return options.Run(new Command("register", "Say that an instance is alive: while a program runs, or until stopped. The program's exit code is passed on.") { service, instance, address, program, ttl }, async (client, parsed, stop) =>
        {
            await using LiveRegistration registration = await client.RegisterAsync(parsed.GetRequiredValue(service), parsed.GetRequiredValue(instance), parsed.GetRequiredValue(address),
                parsed.GetValue(ttl), options.Space(parsed), stop).ConfigureAwait(false);
            if (parsed.GetValue(program) is { Length: > 0 } command)
                return await new HeldCommand(registration.Key, 0, CancellationToken.None, TimeSpan.FromSeconds(1)).RunAsync(command, options.Terminal, stop).ConfigureAwait(false);
            options.Terminal.Out.WriteLine(registration.Key.ToString());
            options.Terminal.Out.Flush();
            await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // being stopped is how this ends
            return ExitCode.Done;
        });
    }

    private string Space(ParseResult parsed) => options.Space(parsed) is { Length: > 0 } space ? space : "default";
}
