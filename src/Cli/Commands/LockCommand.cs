using System.CommandLine;
using Conclave.Cli.Locks;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave lock</c>: hold a lock, while a program runs or until stopped.</summary>
internal sealed class LockCommand
{
    private readonly Argument<string> _name = new("name") { Description = "Name of the lock; etcdctl lock and the Lock service mean the same one." };
    private readonly Argument<string[]> _command = new("command") { Description = "Program to run while it is held, behind --.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<bool> _try = new("--try") { Description = "Do not wait: exit code 1 when somebody holds it or waits for it." };

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        Description = "Longest wait, such as 30s; then exit code 1. [default: as long as it takes]",
        CustomParser = Duration.Parse,
        HelpName = "time",
    };

    internal static Option<TimeSpan?> Ttl() => new("--ttl")
    {
        Description = "How long a holder may be silent before the next one gets it: 1s to 24h. [default: 10s]",
        CustomParser = Duration.Parse,
        HelpName = "time",
    };

    public Command Run(Terminal terminal, ClusterOptions cluster)
    {
        Option<TimeSpan?> ttl = Ttl();
        Command command = new("lock",
            "Hold a lock: while a program runs, or until stopped. The program finds its token in CONCLAVE_FENCING_TOKEN; its exit code is passed on. Exit code 75: the lock was lost meanwhile, and the program was ended.")
        {
            _name, _command, _try, _timeout, ttl,
        };
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, async client =>
        {
            LockOptions options = new() { Ttl = parsed.GetValue(ttl) ?? new LockOptions().Ttl };
            IDistributedLock shared = client.Lock(parsed.GetRequiredValue(_name), options);
            IDistributedLockHandle? acquired = parsed.GetValue(_try) ? await shared.TryAcquireAsync(cancellationToken: stop).ConfigureAwait(false)
                : parsed.GetValue(_timeout) is { } limit ? await shared.TryAcquireAsync(limit, stop).ConfigureAwait(false)
                : await shared.AcquireAsync(cancellationToken: stop).ConfigureAwait(false);
            if (acquired is null)
            {
                terminal.Fail($"The lock {shared.Name} is held by others.", $"They are in line under: conclave get --prefix {shared.Name}/");
                return ExitCode.No;
            }

            await using IDistributedLockHandle held = acquired;
            if (parsed.GetValue(_command) is { Length: > 0 } program)
                return await new HeldCommand(held.Key, held.FencingToken, held.HandleLostToken, 0.05 * options.Ttl).RunAsync(program, terminal, stop).ConfigureAwait(false);
            Write(terminal, cluster.IsJson(parsed), held.Key, held.FencingToken);
            return await HoldAsync(terminal, held.Key, held.HandleLostToken, stop).ConfigureAwait(false);
        }));
        return command;
    }

    internal static void Write(Terminal terminal, bool asJson, Bytes key, long token)
    {
        if (asJson)
        {
            Json.WriteLine(terminal, json =>
            {
                Json.Text(json, "key", key);
                json.WriteNumber("fencing_token", token);
            });
        }
        else
        {
            terminal.Out.WriteLine(Display.Line(key));
            terminal.Out.WriteLine($"fencing token {token}");
        }

        terminal.Out.Flush();
    }

    /// <summary>Waits for the end, whoever brings it.</summary>
    internal static async Task<int> HoldAsync(Terminal terminal, Bytes key, CancellationToken lost, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lost, stop);
        await Task.Delay(Timeout.Infinite, either.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        if (stop.IsCancellationRequested) return ExitCode.Done;   // being stopped is how this ends
        terminal.Fail($"{key} is about to be lost: nobody could be reached, or the lease was revoked.");
        return ExitCode.LockLost;
    }
}
