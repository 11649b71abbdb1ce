using System.Collections.Immutable;
using System.Threading.Channels;
using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>Another agent has the state directory.</summary>
public sealed class AgentRunsException(string directory) : Exception($"Another agent runs on {directory}. Stop it, or give this one another state_dir.");

/// <summary>What one pass came to.</summary>
/// <param name="WasReached">Whether a member was.</param>
/// <param name="States">What was reported.</param>
/// <param name="Unfinished">Groups that were not done in time, and what they are doing.</param>
/// <param name="IsUnknownNode">Whether a member says that there is no such node.</param>
public sealed record OncePass(bool WasReached, ImmutableArray<V1.DocumentState> States, ImmutableArray<(string Group, string Phase)> Unfinished, bool IsUnknownNode = false);

/// <summary>The agent: the core with its clock, files, programs and the cluster around it. One event is worked off at a time.</summary>
public sealed class AgentHost
{
    private const int EventsWaitingMax = 1024;

    private static readonly TimeSpan MarksEvery = TimeSpan.FromSeconds(1);

    private readonly AgentOptions _options;
    private readonly ConclaveClient _client;
    private readonly Action<bool, string> _log;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly StateDirectory _state;
    private readonly DiskEffects _disk;
    private readonly Reporter _reporter;
    private readonly FactsReport _facts;
    private readonly MetricsFile _metrics;
    private readonly Channel<(AgentEvent Event, TaskCompletionSource? Taken)> _events = Channel.CreateBounded<(AgentEvent, TaskCompletionSource?)>(new BoundedChannelOptions(EventsWaitingMax) { SingleReader = true });
    private readonly Queue<AgentEvent> _own = new();
    private readonly long _began;
    private AgentCore _core;
    private ImmutableArray<AgentDocument> _have = [];
    private DocumentStream? _stream;
    private int _running;           // effects whose end is awaited
    private bool _isLinked;
    private string? _trouble = "no member was reached yet";
    private string _metricsTrouble = "";
    private string _runTrouble = "";   // the reporter's: it sends one report at a time

    /// <param name="options">What to do.</param>
    /// <param name="client">The cluster; the caller's.</param>
    /// <param name="log">Takes lines without secrets: whether it is a warning, and the text.</param>
    public AgentHost(AgentOptions options, ConclaveClient client, Action<bool, string> log)
    {
        (_options, _client, _log) = (options, client, log);
        var files = new PosixFiles();
        _state = new StateDirectory(files, options.StateDirectory);
        _disk = new DiskEffects(options, files, _state, DiskEffects.OwnerByName);
        _reporter = new Reporter(options, client, text => log(true, text), _state.LoadRun(options), SaveRun);
        _facts = new FactsReport(options, client, _reporter, text => log(true, text));
        _metrics = new MetricsFile(options, files, _time);
        _core = new AgentCore(options);
        _began = _time.GetTimestamp();
    }

    private long Now => (long)_time.GetElapsedTime(_began).TotalMilliseconds;

    /// <summary>Runs until it is stopped.</summary>
    /// <exception cref="AgentRunsException">Another one runs.</exception>
    /// <exception cref="FileFailure">The state directory cannot be used.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using IDisposable locked = Open();
        using var watch = new FileWatch(_options, file => _events.Writer.TryWrite((new Touched(file), null)), text => _log(true, text));
        await using var programs = new ProgramEffects(_options, _client, text => _log(true, text), stop);
        _stream = new DocumentStream(_options, _client, () => _have, delta => PostAsync(new Received(delta), stop), _facts.SendAsync, SayLink);
        Work(Load(), programs);
        Task stream = _stream.RunAsync(stop), reports = _reporter.RunAsync(stop), facts = _facts.RunAsync(stop);
        Task turn = Task.CompletedTask;
        try
        {
            while (true)
            {
                turn = TurnAsync(programs, stop);
                Task ended = await Task.WhenAny(stream, reports, facts, turn).ConfigureAwait(false);
                await ended.ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The turn too: it may be writing, and the next agent may begin as soon as the lock is free.
            await Task.WhenAll(Quietly(stream), Quietly(reports), Quietly(facts), Quietly(turn)).ConfigureAwait(false);
        }
    }

    /// <summary>One pass: takes what there is, applies it, reports it.</summary>
    /// <param name="firstAnswer">How long to wait for a member.</param>
    /// <param name="timeout">How long all of it may take. Programs that run then go on, and the next run goes on with what they are for.</param>
    /// <param name="stop">Ends it; the next run goes on.</param>
    public async Task<OncePass> OnceAsync(TimeSpan firstAnswer, TimeSpan timeout, CancellationToken stop)
    {
        using IDisposable locked = Open();
        _core = new AgentCore(_options, settles: false);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var programs = new ProgramEffects(_options, _client, text => _log(true, text), end.Token);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _stream = new DocumentStream(_options, _client, () => _have, async delta =>
        {
            await PostAsync(new Received(delta), end.Token).ConfigureAwait(false);
            first.TrySetResult();
        }, _facts.SendAsync, SayLink);
        Work(Load(), programs);
        Task stream = _stream.RunAsync(end.Token);
        long began = _time.GetTimestamp();
        while (!first.Task.IsCompleted || !_core.IsQuiet || _running > 0)
        {
            if (_time.GetElapsedTime(began) > (first.Task.IsCompleted || timeout < firstAnswer ? timeout : firstAnswer)) break;
            await TurnAsync(programs, end.Token).ConfigureAwait(false);
        }

        SaveMetrics();
        ImmutableArray<(string Group, string Phase)> unfinished = [.. _core.Phases.Where(p => p.Phase is not ("idle" or "restorewaiting" or "stagewaiting"))];
        if (first.Task.IsCompleted) await _reporter.SendAsync(facts: null, stop).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        await Quietly(stream).ConfigureAwait(false);
        return new OncePass(first.Task.IsCompleted, first.Task.IsCompleted ? _core.States : [], unfinished, _stream.IsUnknownNode);
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private IDisposable Open()
    {
        _state.Create();
        return PosixFiles.Lock(_state.LockPath) ?? throw new AgentRunsException(_options.StateDirectory);
    }

    private Started Load()
    {
        Started started = _state.Load(_options, out ImmutableArray<string> damaged);
        foreach (string file in damaged) _log(true, $"{file} is damaged and counts as not there.");
        _log(false, $"Node {_options.Node}: {Count(_options.Files.Length, "file")} of {Count(_options.Documents.Count(), "document")}; members {string.Join(", ", _options.Endpoints)}.");
        return started;
    }

    /// <summary>Waits for what comes next, an event or a time, and works it off.</summary>
    private async Task TurnAsync(ProgramEffects programs, CancellationToken stop)
    {
        TimeSpan wait = TimeSpan.FromMilliseconds(Math.Clamp(_core.NextDue - Now, 0, (long)MarksEvery.TotalMilliseconds));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (wait > TimeSpan.Zero) limit.CancelAfter(wait);
        else await limit.CancelAsync().ConfigureAwait(false);
        try
        {
            await _events.Reader.WaitToReadAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Nothing came in that time.
        }

        // Not once it stops: programs that were waited for end as given up, and a version must not be taken for bad because of that.
        while (!stop.IsCancellationRequested && _events.Reader.TryRead(out (AgentEvent Event, TaskCompletionSource? Taken) next))
        {
            Work(next.Event, programs);
            next.Taken?.SetResult();
        }

        foreach (GroupOptions group in _options.Groups)
        {
            if (_state.TakeMark(group.Name)) Work(new Restarted(group.Name), programs);
        }

        if (_core.NextDue <= Now) Work(new Ticked(), programs);
        SaveMetrics();
    }

    private void Work(AgentEvent first, ProgramEffects programs)
    {
        _own.Enqueue(first);
        while (_own.TryDequeue(out AgentEvent? next))
        {
            ImmutableArray<AgentEffect> effects = _core.Step(next, Now);
            _have = [.. _core.Have];
            foreach (AgentEffect effect in effects) Carry(effect, programs);
        }

        SaveStatus();
    }

    private void Carry(AgentEffect effect, ProgramEffects programs)
    {
        switch (effect)
        {
            case Tell tell:
                _log(tell.IsWarning, tell.Text);
                return;
            case Report report:
                _reporter.Set(report.States);
                return;
            case Resync:
                _stream?.Resync();
                return;
            case GiveSlot give:
                programs.Give(give.Group);
                return;
            case Inspect inspect:
                _own.Enqueue(_disk.Look(inspect.File));
                return;
            case StepEffect slow when programs.Run(slow) is { } task:
                Interlocked.Increment(ref _running);
                _ = AnswerAsync(slow, task);
                return;
        }

        StepResult result = _disk.Run(effect) ?? throw new InvalidOperationException($"{effect.GetType().Name} has nobody who carries it out. This is a bug: report it.");
        if (effect is StepEffect step) _own.Enqueue(new StepDone(step.Group, step.Step, result));
        else if (result.Failure is { } failure) _log(true, failure);
    }

    private async Task AnswerAsync(StepEffect effect, Task<StepResult> task)
    {
        StepResult result = await ProgramEffects.EndOf(task).ConfigureAwait(false);
        await _events.Writer.WriteAsync((new StepDone(effect.Group, effect.Step, result), null)).ConfigureAwait(false);
        Interlocked.Decrement(ref _running);
    }

    private async Task PostAsync(AgentEvent what, CancellationToken stop)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _events.Writer.WriteAsync((what, taken), stop).ConfigureAwait(false);
        await taken.Task.WaitAsync(stop).ConfigureAwait(false);
    }

    private void SayLink(string? trouble)
    {
        if (trouble is null && !_isLinked) _log(false, "Connected.");
        else if (trouble is not null && trouble != _trouble) _log(true, trouble);
        (_isLinked, _trouble) = (trouble is null, trouble);
        _events.Writer.TryWrite((new Ticked(), null));   // so that the status shows it
        if (trouble is null) _reporter.Wake();
    }

    private bool SaveRun(byte[] run)
    {
        try
        {
            _state.SaveRun(_options, run);
            return true;
        }
        catch (FileFailure failure)
        {
            // What stays wrong is said once, not at every report.
            if (_runTrouble != failure.Message) _log(true, $"{failure.Message} Until that succeeds, a document that leaves the configuration may stay in the fleet as silent.");
            _runTrouble = failure.Message;
            return false;
        }
    }

    private void SaveStatus()
    {
        try
        {
            _state.SaveStatus(AgentStatus.Write(_options, _core, _trouble));
        }
        catch (FileFailure failure)
        {
            _log(true, failure.Message);
        }
    }

    private void SaveMetrics()
    {
        try
        {
            _metrics.Update(_core.States, isConnected: _trouble is null);
            _metricsTrouble = "";
        }
        catch (FileFailure failure)
        {
            // Nobody's configuration waits for it, and a turn comes every second.
            if (_metricsTrouble != failure.Message) _log(true, failure.Message);
            _metricsTrouble = failure.Message;
        }
    }

    private static async Task Quietly(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It was told to end.
        }
    }
}
