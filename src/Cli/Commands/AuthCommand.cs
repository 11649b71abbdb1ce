using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Wire.Grpc;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave auth</c>: whether users have to log in.</summary>
internal sealed class AuthCommand : Command
{
    public AuthCommand(Terminal terminal, ClusterOptions cluster) : base("auth", "Make users log in, or let everybody do everything.")
    {
        AuthOutput output = new(terminal, cluster);
        Add(output.Changes(new Command("enable", "Make users log in. There must be a user root; it gets role root if it has not got it."),
            (client, _, cancellationToken) => EnableAsync(client, cancellationToken), _ => "Authentication Enabled"));
        Add(output.Changes(new Command("disable", "Let everybody do everything. Users and roles stay as they are."),
            (client, _, cancellationToken) => client.Auth.DisableAsync(cancellationToken), _ => "Authentication Disabled"));

        Command status = new("status", "Print whether users have to log in. Exit code 1 when they have not.");
        status.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            AuthStatus found = await client.Auth.StatusAsync(cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, found.Header);
                    json.WriteBoolean("enabled", found.Enabled);
                    json.WriteNumber("auth_revision", found.Revision);
                });
            }
            else
            {
                terminal.Out.WriteLine($"Authentication Status: {(found.Enabled ? "true" : "false")}");
                terminal.Out.WriteLine($"AuthRevision: {found.Revision}");
            }

            return found.Enabled ? ExitCode.Done : ExitCode.No;
        }));
        Add(status);
    }

    private static async ValueTask<ResponseHeader> EnableAsync(ConclaveClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Auth.EnableAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException refused) when (refused.Message == EtcdErrors.RootRoleNotExist.Message)
        {
            await client.Auth.GrantRoleAsync("root", "root", cancellationToken).ConfigureAwait(false);
            return await client.Auth.EnableAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
