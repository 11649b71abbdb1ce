using System.CommandLine;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave user</c>: add, delete, list, get, passwd, grant-role and revoke-role, as in etcdctl.</summary>
internal sealed class UserCommand : Command
{
    private const int PasswordBytesMax = 64 << 10;

    private readonly Terminal _terminal;

    public UserCommand(Terminal terminal, ClusterOptions cluster) : base("user", "Add, change and remove users.")
    {
        _terminal = terminal;
        AuthOutput output = new(terminal, cluster);
        Argument<string> name = new("name") { Description = "The user." };
        Argument<string> role = new("role") { Description = "The role." };
        Add(AddUser(output));
        Add(output.Changes(new Command("delete", "Delete a user.") { name },
            (client, parsed, cancellationToken) => client.Auth.DeleteUserAsync(parsed.GetRequiredValue(name), cancellationToken), parsed => $"User {Shown(parsed, name)} deleted"));
        Add(output.Lists(new Command("list", "Print the names of all users."), "users", (client, cancellationToken) => client.Auth.ListUsersAsync(cancellationToken)));
        Add(Get(cluster));
        Add(output.Changes(new Command("passwd", "Change a password: asked for on a terminal, else the first line of standard input.") { name },
            (client, parsed, cancellationToken) => client.Auth.ChangePasswordAsync(parsed.GetRequiredValue(name), NewPassword(parsed.GetRequiredValue(name)), cancellationToken), _ => "Password updated"));
        Add(output.Changes(new Command("grant-role", "Give a user a role.") { name, role },
            (client, parsed, cancellationToken) => client.Auth.GrantRoleAsync(parsed.GetRequiredValue(name), parsed.GetRequiredValue(role), cancellationToken),
            parsed => $"Role {Shown(parsed, role)} is granted to user {Shown(parsed, name)}"));
        Add(output.Changes(new Command("revoke-role", "Take a role from a user.") { name, role },
            (client, parsed, cancellationToken) => client.Auth.RevokeRoleAsync(parsed.GetRequiredValue(name), parsed.GetRequiredValue(role), cancellationToken),
            parsed => $"Role {Shown(parsed, role)} is revoked from user {Shown(parsed, name)}"));
    }

    private Command AddUser(AuthOutput output)
    {
        Argument<string> user = new("name") { Description = "The user: name, or name:password. The password is better asked for, or sent to standard input.", HelpName = "name[:password]" };
        Option<bool> bare = new("--no-password") { Description = "The user cannot log in, and is known by a client certificate with its name." };
        Command command = new("add", "Add a user.") { user, bare };
        return output.Changes(command, (client, parsed, cancellationToken) =>
        {
            string given = parsed.GetRequiredValue(user);
            int colon = parsed.GetValue(bare) ? -1 : given.IndexOf(':', StringComparison.Ordinal);
            string name = colon < 0 ? given : given[..colon];
            string? password = parsed.GetValue(bare) ? null : colon < 0 ? NewPassword(name) : given[(colon + 1)..];
            return client.Auth.AddUserAsync(name, password, cancellationToken);
        }, parsed => $"User {Display.Line(parsed.GetRequiredValue(user).Split(':')[0])} created");
    }

    private Command Get(ClusterOptions cluster)
    {
        Argument<string> name = new("name") { Description = "The user." };
        Option<bool> detail = new("--detail") { Description = "Print what its roles may do, too." };
        Command command = new("get", "Print the roles of a user.") { name, detail };
        command.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, _terminal, async client =>
        {
            AuthList<string> roles = await client.Auth.GetUserAsync(parsed.GetRequiredValue(name), cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(_terminal, json =>
                {
                    Json.Header(json, roles.Header);
                    Json.Strings(json, "roles", roles.Items);
                });
                return ExitCode.Done;
            }

            _terminal.Out.WriteLine($"User: {Shown(parsed, name)}");
            _terminal.Out.WriteLine($"Roles: {string.Join(' ', roles.Items.Select(item => Display.Line(item)))}".TrimEnd());
            if (!parsed.GetValue(detail)) return ExitCode.Done;
            foreach (string role in roles.Items)
            {
                _terminal.Out.WriteLine();
                RoleCommand.Write(_terminal, role, (await client.Auth.GetRoleAsync(role, cancellationToken).ConfigureAwait(false)).Items);
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static string Shown(ParseResult parsed, Argument<string> argument) => Display.Line(parsed.GetRequiredValue(argument));

    /// <exception cref="ArgumentException">There is none, or two that differ.</exception>
    private string NewPassword(string user)
    {
        if (_terminal.AskSecret is { } ask)
        {
            string? first = ask($"New password of {user}: ");
            if (ask("The same again: ") != first) throw new ArgumentException("The two passwords differ; nothing was changed.");
            return first is { Length: > 0 } typed ? typed : throw new ArgumentException("The password is empty; nothing was changed.");
        }

        return FirstLine() is { Length: > 0 } line ? line : throw new ArgumentException("There is no password on standard input; send it as a line, or run this on a terminal to be asked.");
    }

    private string FirstLine()
    {
        List<byte> bytes = [];
        int next;
        while ((next = _terminal.Input.ReadByte()) >= 0 && next != '\n' && bytes.Count < PasswordBytesMax) bytes.Add((byte)next);
        return Encoding.UTF8.GetString([.. bytes]).TrimEnd('\r');
    }
}
