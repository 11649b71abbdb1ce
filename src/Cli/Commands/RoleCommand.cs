using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave role</c>: add, delete, list, get, grant-permission and revoke-permission, as in etcdctl.</summary>
internal sealed class RoleCommand : Command
{
    private const string RootRole = "root";

    private readonly Terminal _terminal;
    private readonly ClusterOptions _cluster;

    public RoleCommand(Terminal terminal, ClusterOptions cluster) : base("role", "Add, change and remove roles. A role is a name for permissions.")
    {
        (_terminal, _cluster) = (terminal, cluster);
        AuthOutput output = new(terminal, cluster);
        Argument<string> role = new("role") { Description = "The role." };
        Add(output.Changes(new Command("add", "Add a role that may do nothing yet.") { role },
            (client, parsed, cancellationToken) => client.Auth.AddRoleAsync(parsed.GetRequiredValue(role), cancellationToken), parsed => $"Role {Shown(parsed, role)} created"));
        Add(output.Changes(new Command("delete", "Delete a role, and take it from all users.") { role },
            (client, parsed, cancellationToken) => client.Auth.DeleteRoleAsync(parsed.GetRequiredValue(role), cancellationToken), parsed => $"Role {Shown(parsed, role)} deleted"));
        Add(output.Lists(new Command("list", "Print the names of all roles."), "roles", (client, cancellationToken) => client.Auth.ListRolesAsync(cancellationToken)));
        Add(Get());
        Add(Grant(output));
        Add(Revoke(output));
    }

    /// <summary>A role in etcdctl's form.</summary>
    public static void Write(Terminal terminal, string role, IReadOnlyCollection<Permission> permissions)
    {
        terminal.Out.WriteLine($"Role {Display.Line(role)}");
        terminal.Out.WriteLine("KV Read:");
        foreach (Permission permission in permissions.Where(p => p.Kind != PermissionKind.Write)) terminal.Out.WriteLine($"\t{Range(permission.Range)}");
        terminal.Out.WriteLine("KV Write:");
        foreach (Permission permission in permissions.Where(p => p.Kind != PermissionKind.Read)) terminal.Out.WriteLine($"\t{Range(permission.Range)}");
    }

    private Command Get()
    {
        Argument<string> role = new("role") { Description = "The role." };
        Command command = new("get", "Print what a role may do.") { role };
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            string name = parsed.GetRequiredValue(role);
            AuthList<Permission> found = await client.Auth.GetRoleAsync(name, cancellationToken).ConfigureAwait(false);
            // etcd before 3.6 says nothing of what root may do.
            IReadOnlyCollection<Permission> permissions = name == RootRole && found.Items.IsEmpty ? [new Permission(PermissionKind.ReadWrite, KeyRange.All)] : found.Items;
            if (_cluster.IsJson(parsed)) WriteJson(found.Header, permissions);
            else Write(_terminal, name, permissions);
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Grant(AuthOutput output)
    {
        Argument<string> role = new("role") { Description = "The role." };
        Argument<string> kind = new("permission") { Description = "What it may do.", HelpName = "read|write|readwrite" };
        kind.AcceptOnlyFromAmong("read", "write", "readwrite");
        Command command = new("grant-permission", "Let a role read or write a key or a range. Replaces what it may do with just this range.") { role, kind };
        RangeArguments range = new(command);
        return output.Changes(command, (client, parsed, cancellationToken) =>
        {
            PermissionKind allowed = parsed.GetRequiredValue(kind) switch { "read" => PermissionKind.Read, "write" => PermissionKind.Write, _ => PermissionKind.ReadWrite };
            return client.Auth.GrantPermissionAsync(parsed.GetRequiredValue(role), new Permission(allowed, range.Of(parsed)), cancellationToken);
        }, parsed => $"Role {Shown(parsed, role)} updated");
    }

    private static Command Revoke(AuthOutput output)
    {
        Argument<string> role = new("role") { Description = "The role." };
        Command command = new("revoke-permission", "Take back what a role may do with just this key or range.") { role };
        RangeArguments range = new(command);
        return output.Changes(command, (client, parsed, cancellationToken) =>
                client.Auth.RevokePermissionAsync(parsed.GetRequiredValue(role), range.Of(parsed), cancellationToken),
            parsed => $"Permission of {Range(range.Of(parsed))} is revoked from role {Shown(parsed, role)}");
    }

    private void WriteJson(ResponseHeader header, IReadOnlyCollection<Permission> permissions) => Json.WriteLine(_terminal, json =>
    {
        Json.Header(json, header);
        json.WriteStartArray("permissions");
        foreach (Permission permission in permissions)
        {
            json.WriteStartObject();
            json.WriteString("permission", permission.Kind switch { PermissionKind.Read => "read", PermissionKind.Write => "write", _ => "readwrite" });
            Json.Text(json, "key", permission.Range.Key);
            if (!permission.Range.IsSingle) Json.Text(json, "range_end", permission.Range.End);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Shown(ParseResult parsed, Argument<string> argument) => Display.Line(parsed.GetRequiredValue(argument));

    private static string Range(KeyRange range)
    {
        if (range.IsSingle) return Display.Line(range.Key);
        string key = Display.Line(range.Key);
        if (range == KeyRange.From(range.Key)) return $"[{key}, <open ended>";
        return range == KeyRange.Prefix(range.Key) ? $"[{key}, {Display.Line(range.End)}) (prefix {key})" : $"[{key}, {Display.Line(range.End)})";
    }
}
