using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave lease</c>: grant, revoke, look at, list and keep alive.</summary>
internal sealed class LeaseCommand : Command
{
    private readonly Terminal _terminal;
    private readonly ClusterOptions _cluster;

    public LeaseCommand(Terminal terminal, ClusterOptions cluster) : base("lease", "Grant, renew and end leases. Ids are hexadecimal.")
    {
        (_terminal, _cluster) = (terminal, cluster);
        Add(Grant());
        Add(Revoke());
        Add(TimeToLive());
        Add(List());
        Add(KeepAlive());
    }

    private Command Grant()
    {
        Argument<long> ttl = new("ttl") { Description = "Time to live in seconds." };
        Option<long> id = new("--id") { Description = "The id to use instead of one the server chooses.", CustomParser = LeaseId.Parse, HelpName = "id" };
        Command command = new("grant", "Grant a lease and print its id.") { ttl, id };
        command.Validators.Add(result =>
        {
            if (result.GetValue(ttl) is < 1 or > 9_000_000_000) result.AddError("The time to live must be from 1 to 9,000,000,000 seconds.");
        });
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            TimeSpan time = TimeSpan.FromSeconds(parsed.GetValue(ttl));
            Lease lease = await client.Leases.GrantAsync(time, parsed.GetValue(id), cancellationToken).ConfigureAwait(false);
            Write(parsed, lease.Header, $"lease {Display.Lease(lease.Id)} granted with TTL({Seconds(lease.Ttl)}s)", lease.Id, ("ttl", lease.Ttl));
            return ExitCode.Done;
        }));
        return command;
    }

    private Command Revoke()
    {
        Argument<long> id = IdArgument();
        Command command = new("revoke", "End a lease and delete its keys. Exit code 1 when there is none.") { id };
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            ResponseHeader header = await client.Leases.RevokeAsync(parsed.GetValue(id), cancellationToken).ConfigureAwait(false);
            Write(parsed, header, $"lease {Display.Lease(parsed.GetValue(id))} revoked", parsed.GetValue(id));
            return ExitCode.Done;
        }));
        return command;
    }

    private Command TimeToLive()
    {
        Argument<long> id = IdArgument();
        Option<bool> keys = new("--keys") { Description = "Print the keys that end with it." };
        Command command = new("timetolive", "Print how long a lease still lives. Exit code 1 when there is none.") { id, keys };
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            LeaseState? lease = await client.Leases.TimeToLiveAsync(parsed.GetValue(id), parsed.GetValue(keys), cancellationToken).ConfigureAwait(false);
            if (lease is null)
            {
                _terminal.Fail($"Lease {Display.Lease(parsed.GetValue(id))} does not exist; it may have ended.");
                return ExitCode.No;
            }

            if (_cluster.IsJson(parsed)) WriteJson(lease, parsed.GetValue(keys));
            else
            {
                _terminal.Out.WriteLine($"lease {Display.Lease(lease.Id)} granted with TTL({Seconds(lease.Granted)}s), remaining({Seconds(lease.Remaining)}s)");
                foreach (Bytes key in lease.Keys) _terminal.Out.WriteLine($"key\t{Display.Line(key)}");
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private Command List()
    {
        Command command = new("list", "Print the ids of all leases, the one that ends first first.");
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            var ids = await client.Leases.ListAsync(cancellationToken).ConfigureAwait(false);
            if (_cluster.IsJson(parsed))
            {
                Json.WriteLine(_terminal, json =>
                {
                    json.WriteStartArray("leases");
                    foreach (long id in ids) json.WriteStringValue(Display.Lease(id));
                    json.WriteEndArray();
                });
            }
            else
            {
                foreach (long id in ids) _terminal.Out.WriteLine(Display.Lease(id));
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private Command KeepAlive()
    {
        Argument<long> id = IdArgument();
        Option<bool> once = new("--once") { Description = "Renew once and return." };
        Command command = new("keep-alive", "Renew a lease until stopped. Exit code 1 when it is gone.") { id, once };
        command.SetAction((parsed, cancellationToken) => _cluster.RunAsync(parsed, _terminal, async client =>
        {
            try
            {
                await foreach (LeaseRenewal renewal in client.Leases.KeepAliveAsync(parsed.GetValue(id), cancellationToken).ConfigureAwait(false))
                {
                    string line = $"lease {Display.Lease(renewal.Id)} keepalived with TTL({Seconds(renewal.Ttl)})";
                    Write(parsed, renewal.Header, line, renewal.Id, ("ttl", renewal.Ttl));
                    await _terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
                    if (parsed.GetValue(once)) return ExitCode.Done;
                }
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Done;   // Being stopped is how this ends while the lease lives.
            }

            _terminal.Fail($"Lease {Display.Lease(parsed.GetValue(id))} does not exist; it may have ended.");
            return ExitCode.No;
        }));
        return command;
    }

    private static Argument<long> IdArgument() => new("id") { Description = "The lease.", CustomParser = LeaseId.Parse };

    private void Write(ParseResult parsed, ResponseHeader header, string line, long id, (string Name, TimeSpan Time)? time = null)
    {
        if (!_cluster.IsJson(parsed))
        {
            _terminal.Out.WriteLine(line);
            return;
        }

        Json.WriteLine(_terminal, json =>
        {
            Json.Header(json, header);
            json.WriteString("id", Display.Lease(id));
            if (time is { } known) json.WriteNumber(known.Name, (long)known.Time.TotalSeconds);
        });
    }

    private void WriteJson(LeaseState lease, bool withKeys) => Json.WriteLine(_terminal, json =>
    {
        Json.Header(json, lease.Header);
        json.WriteString("id", Display.Lease(lease.Id));
        json.WriteNumber("granted_ttl", (long)lease.Granted.TotalSeconds);
        json.WriteNumber("ttl", (long)lease.Remaining.TotalSeconds);
        if (!withKeys) return;
        json.WriteStartArray("keys");
        foreach (Bytes key in lease.Keys)
        {
            json.WriteStartObject();
            Json.Text(json, "key", key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Seconds(TimeSpan time) => ((long)time.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
