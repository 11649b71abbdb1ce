using System.CommandLine;
using Conclave.Cli.Locks;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave sem</c>: hold one of several slots, while a program runs or until stopped.</summary>
internal sealed class SemaphoreCommand
{
    private readonly Argument<string> _name = new("name") { Description = "Name of the semaphore. Its keys are those of a lock of that name." };
    private readonly Argument<string[]> _command = new("command") { Description = "Program to run while the slot is held, behind --.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<int> _slots = new("--slots", "-n") { Description = "How many hold at a time: 1 to 10000. All who use the name should say the same.", Required = true, HelpName = "count" };
    private readonly Option<bool> _try = new("--try") { Description = "Do not wait: exit code 1 when all slots are held." };

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        Description = "Longest wait, such as 30s; then exit code 1. [default: as long as it takes]",
        CustomParser = Duration.Parse,
        HelpName = "time",
    };

    public Command Run(Terminal terminal, ClusterOptions cluster)
    {
        Option<TimeSpan?> ttl = LockCommand.Ttl();
        Command command = new("sem", "Hold one of several slots: while a program runs, or until stopped. Otherwise as lock.") { _name, _command, _slots, _try, _timeout, ttl };
        _slots.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 10_000) result.AddError("-n is 1 to 10000.");
        });
        command.SetAction((parsed, stop) => cluster.RunAsync(parsed, terminal, async client =>
        {
            LockOptions options = new() { Ttl = parsed.GetValue(ttl) ?? new LockOptions().Ttl };
            IDistributedSemaphore shared = client.Semaphore(parsed.GetRequiredValue(_name), parsed.GetValue(_slots), options);
            IDistributedLockHandle? acquired = parsed.GetValue(_try) ? await shared.TryAcquireAsync(cancellationToken: stop).ConfigureAwait(false)
                : parsed.GetValue(_timeout) is { } limit ? await shared.TryAcquireAsync(limit, stop).ConfigureAwait(false)
                : await shared.AcquireAsync(cancellationToken: stop).ConfigureAwait(false);
            if (acquired is null)
            {
                terminal.Fail($"All {shared.Slots} slots of {shared.Name} are held by others.", $"They are in line under: conclave get --prefix {shared.Name}/");
                return ExitCode.No;
            }

            await using IDistributedLockHandle held = acquired;
            if (parsed.GetValue(_command) is { Length: > 0 } program)
                return await new HeldCommand(held.Key, held.FencingToken, held.HandleLostToken, 0.05 * options.Ttl).RunAsync(program, terminal, stop).ConfigureAwait(false);
            LockCommand.Write(terminal, cluster.IsJson(parsed), held.Key, held.FencingToken);
            return await LockCommand.HoldAsync(terminal, held.Key, held.HandleLostToken, stop).ConfigureAwait(false);
        }));
        return command;
    }
}
