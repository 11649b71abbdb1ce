using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Conclave.Client;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>Carries out the effects that take their time: checks, actions, looks whether a program is well, and the wait for a slot.</summary>
internal sealed class ProgramEffects(AgentOptions options, ConclaveClient client, Action<string> warn, CancellationToken stop) : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250), SlotRetry = TimeSpan.FromSeconds(2);

    /// <summary>A look counts for so much of the time to register at most: for the rest of it nobody could say.</summary>
    private static readonly TimeSpan LookCountsMax = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Slot> _slots = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _revisions = new(StringComparer.Ordinal);   // by group: a registration up to that is one of the process before

    /// <returns>Null for an effect of another kind.</returns>
    public Task<StepResult>? Run(AgentEffect effect) => effect switch
    {
        CheckFile check => CheckAsync(options.Files.First(f => f.Name == check.File)),
        RunAction action => ActAsync(GroupOf(action.Group), action.Kind),
        RunVerify verify => VerifyAsync(GroupOf(verify.Group), verify.Kind),
        TakeSlot take => TakeAsync(GroupOf(take.Group)),
        _ => null,
    };

    /// <summary>What a step's task came to. Whatever it throws: a group whose step has no end waits for ever, and with it whoever waits for its slot.</summary>
    public static async Task<StepResult> EndOf(Task<StepResult> task)
    {
        try
        {
            return await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new StepResult("given up");   // the core has gone on, or the agent ends
        }
        catch (Exception bug)
        {
            return new StepResult($"it cannot be told how this ended: {bug.GetType().Name}: {bug.Message} This is a bug: report it.");
        }
    }

    /// <summary>Gives a slot back, or the place in the line for it.</summary>
    public void Give(string group)
    {
        if (_slots.TryRemove(group, out Slot? slot)) _ = slot.GiveAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string group in _slots.Keys)
        {
            if (_slots.TryRemove(group, out Slot? slot)) await slot.GiveAsync().ConfigureAwait(false);
        }
    }

    private GroupOptions GroupOf(string name) => options.Groups.First(g => g.Name == name);

    private async Task<StepResult> CheckAsync(FileOptions file)
    {
        ImmutableArray<string> command = [.. file.Check.Select(w => w.Replace("{new}", DiskEffects.StagedPath(file.Path), StringComparison.Ordinal))];
        (string? failure, _) = await ProcessRunner.RunAsync(command, file.CheckTimeout, Environment(file.Group), stop).ConfigureAwait(false);
        return new StepResult(failure);
    }

    private async Task<StepResult> ActAsync(GroupOptions group, ActionKind kind)
    {
        ActionOptions? action = kind == ActionKind.Live ? group.Live : group.Restart;
        if (action is null) return StepResult.Done;
        if (group.Verify is { Service.Length: > 0 } verify && kind == ActionKind.Restart && await RevisionAsync(verify).ConfigureAwait(false) is { } before) _revisions[group.Name] = before;
        if (action.PidFile.Length > 0) return new StepResult(Signal(action));
        (string? failure, _) = await ProcessRunner.RunAsync(action.Command, group.Timeout, Environment(group.Name), stop).ConfigureAwait(false);
        return new StepResult(failure);
    }

    private static string? Signal(ActionOptions action)
    {
        try
        {
            string text = File.ReadAllText(action.PidFile).Trim();
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int process) || process < 2) return $"{action.PidFile} holds no process id.";
            return PosixCalls.Kill(process, action.Signal) == 0 ? null : $"Process {process} of {action.PidFile} cannot be sent signal {action.Signal}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(System.Runtime.InteropServices.Marshal.GetLastPInvokeError())}.";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"The program's process is not known: {unreadable.Message}";
        }
    }

    private async Task<StepResult> VerifyAsync(GroupOptions group, ActionKind kind)
    {
        VerifyOptions verify = group.Verify!;   // the core asks only where there is one
        if (!verify.Command.IsEmpty) return new StepResult((await ProcessRunner.RunAsync(verify.Command, group.Timeout, Environment(group.Name), stop).ConfigureAwait(false)).Failure);
        // After a restart what counts is a registration that was written since: the one of the old process lives on until its lease ends.
        long after = kind == ActionKind.Restart ? _revisions.GetValueOrDefault(group.Name) : 0;
        TimeSpan counted = TimeSpan.Zero;
        while (true)
        {
            long began = Stopwatch.GetTimestamp();
            try
            {
                KeyValue? key = await client.GetAsync(LiveKey(verify), cancellationToken: stop).ConfigureAwait(false);
                if (key is not null && key.ModRevision > after)
                {
                    _revisions[group.Name] = key.ModRevision;   // where nobody can be asked before the next restart, this one at least does not count as new
                    return StepResult.Done;
                }
            }
            catch (UnavailableException)
            {
                // Nobody can say, and the program could not register either: that is not its fault. It has the whole time again.
                counted = TimeSpan.Zero;
                await Task.Delay(LookEvery, stop).ConfigureAwait(false);
                continue;
            }
            catch (ConclaveException refused)
            {
                return new StepResult($"{LiveKey(verify)} cannot be read: {refused.Message}");
            }

            if (counted >= verify.Within)
                return new StepResult($"there is no {(after > 0 ? "new " : "")}registration {LiveKey(verify)} after {verify.Within.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s.");
            await Task.Delay(LookEvery, stop).ConfigureAwait(false);
            // The client asks again by itself while there is no leader, so a look may have outlasted an outage.
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            counted += took < LookCountsMax ? took : LookCountsMax;
        }
    }

    private string LiveKey(VerifyOptions verify) =>
        $"conclave-live/{(options.Space.Length > 0 ? options.Space : "default")}/{verify.Service}/{(verify.Instance.Length > 0 ? verify.Instance : options.Node)}";

    /// <returns>Null when nobody can be asked: the restart does not wait for that, and what is known from before counts.</returns>
    private async Task<long?> RevisionAsync(VerifyOptions verify)
    {
        try
        {
            return (await client.RangeAsync(KeyRange.Single(LiveKey(verify)), cancellationToken: stop).ConfigureAwait(false)).Header.Revision;
        }
        catch (ConclaveException)
        {
            return null;
        }
    }

    private async Task<StepResult> TakeAsync(GroupOptions group)
    {
        SlotsOptions slots = group.RestartSlots!;   // the core asks only where there are some
        var slot = new Slot(() => warn($"{group.Name}: the slot to restart in was lost before the restart was over, so another node may restart at the same time. The cluster could not be reached for {options.SlotTtl.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s, or the slot's lease was revoked."), stop);
        Give(group.Name);
        _slots[group.Name] = slot;
        while (true)
        {
            try
            {
                int count = slots.IsPercent ? await PartAsync(slots, slot.Cancelled).ConfigureAwait(false) : slots.Count;
                IDistributedSemaphore semaphore = client.Semaphore(SlotsOptions.Prefix + slots.Name, count, new LockOptions { Ttl = options.SlotTtl, Value = options.Node });
                await slot.HoldAsync(await semaphore.AcquireAsync(cancellationToken: slot.Cancelled).ConfigureAwait(false)).ConfigureAwait(false);
                return StepResult.Done;
            }
            catch (Exception passing) when (passing is UnavailableException or OutcomeUnknownException)
            {
                await Task.Delay(SlotRetry, slot.Cancelled).ConfigureAwait(false);
            }
            catch (ConclaveException refused)
            {
                return new StepResult(refused.Message);
            }
        }
    }

    private async Task<int> PartAsync(SlotsOptions slots, CancellationToken cancellationToken)
    {
        V1.NodesResponse nodes = await client.Configuration.NodesAsync(new V1.NodesRequest { Space = options.Space, Limit = 1 }, cancellationToken).ConfigureAwait(false);
        return (int)Math.Clamp(nodes.Total * slots.Count / 100, 1, 10_000);
    }

    private Dictionary<string, string> Environment(string group) => new() { ["CONCLAVE_NODE"] = options.Node, ["CONCLAVE_GROUP"] = group };

    /// <summary>A slot that is held or waited for.</summary>
    private sealed class Slot
    {
        private readonly CancellationTokenSource _cancelled;
        private readonly Action _tellLost;
        private readonly Lock _gate = new();

        // Under _gate.
        private IDistributedLockHandle? _held;
        private bool _isGiven;

        public Slot(Action tellLost, CancellationToken stop)
        {
            (_tellLost, _cancelled) = (tellLost, CancellationTokenSource.CreateLinkedTokenSource(stop));
            Cancelled = _cancelled.Token;   // whoever waits looks at it also after the source is gone
        }

        public CancellationToken Cancelled { get; }

        public async ValueTask HoldAsync(IDistributedLockHandle held)
        {
            bool isGiven;
            lock (_gate)
            {
                isGiven = _isGiven;
                if (!isGiven) _held = held;
            }

            if (isGiven) await held.DisposeAsync().ConfigureAwait(false);
            else held.HandleLostToken.UnsafeRegister(static me => ((Slot)me!).OnLost(), this);   // the state is this; it ends with the handle
        }

        public async Task GiveAsync()
        {
            IDistributedLockHandle? held;
            lock (_gate) (held, _isGiven) = (_held, true);
            await _cancelled.CancelAsync().ConfigureAwait(false);
            _cancelled.Dispose();   // its link to the agent's own token, which lives much longer
            if (held is not null) await held.DisposeAsync().ConfigureAwait(false);
        }

        private void OnLost()
        {
            lock (_gate)
            {
                if (_isGiven) return;
            }

            _tellLost();
        }
    }
}

/// <summary>What a call's failure means for a loop that goes on.</summary>
internal static class Failures
{
    public static bool IsNoSuchNode(ConclaveException failure) => failure.Code == GrpcCode.NotFound;

    /// <summary>A member answered, and did not want it: too large, no room, not allowed.</summary>
    public static bool IsRefusal(ConclaveException failure) =>
        failure.Code is GrpcCode.InvalidArgument or GrpcCode.ResourceExhausted or GrpcCode.FailedPrecondition or GrpcCode.OutOfRange or GrpcCode.PermissionDenied;
}
