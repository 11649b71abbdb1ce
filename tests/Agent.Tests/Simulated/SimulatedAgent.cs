using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Simulated;

/// <summary>The core on a simulated disk, with programs that take what their files hold when they are told to. It can be ended before every effect and every call to the disk.</summary>
internal sealed class SimulatedAgent
{
    private const int StepsMax = 4000;

    private readonly Random _random;
    private readonly Dictionary<string, V1.DocumentDelta> _server = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _applied = new(StringComparer.Ordinal);
    private readonly HashSet<string> _published = new(StringComparer.Ordinal);
    private readonly HashSet<string> _there = new(StringComparer.Ordinal);   // files that may not be missing any more
    private readonly Queue<AgentEvent> _events = new();
    private AgentCore _core;
    private StateDirectory _state;
    private DiskEffects _disk;
    private long _now;
    private long _steps;

    public SimulatedAgent(AgentOptions options, int seed = 1)
    {
        (Options, _random) = (options, new Random(seed));
        Files = new SimulatedFiles(Step);
        Start();
    }

    public AgentOptions Options { get; }

    public SimulatedFiles Files { get; }

    /// <summary>What the program of a group took in last: all of its files.</summary>
    public Dictionary<string, string> Running { get; } = new(StringComparer.Ordinal);

    /// <summary>Group and kind, in order.</summary>
    public List<string> Actions { get; } = [];

    public List<string> Told { get; } = [];

    public ImmutableArray<V1.DocumentState> States { get; private set; } = [];

    /// <summary>How many places there were so far where it could have been ended.</summary>
    public long Steps => _steps;

    public long CrashAt { get; set; } = long.MaxValue;

    public int Crashes { get; private set; }

    /// <summary>Each state that was reported of a document, in order.</summary>
    public List<string> Heard { get; } = [];

    public V1.DocumentState? StateOf(string document) => States.FirstOrDefault(s => s.Document == document);

    public string? File(string path) => Files.Read(path) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>What a group's files hold together.</summary>
    public string FilesOf(string group) => string.Join('\n', Options.FilesOf(group).Select(f => File(f.Path) ?? "(none)"));

    /// <summary>All files of a group as a document makes them.</summary>
    public string Rendered(string group, V1.DocumentDelta document)
    {
        AgentDocument made = AgentDocument.Apply(before: null, document, document.Release, out _)!;
        return string.Join('\n', FileRendering.Render(Options.FilesOf(group), [made], out _)!.Value.Select(f => Encoding.UTF8.GetString(f.Bytes.AsSpan())));
    }

    /// <summary>The server has it from now on; and the agent gets it, and works until nothing is left to do. It is started again whenever it ends.</summary>
    public void Publish(V1.DocumentDelta document)
    {
        _server[document.Document] = document;
        foreach (FileOptions file in Options.Files.Where(f => f.Document == document.Document))
        {
            AgentDocument made = AgentDocument.Apply(before: null, document, document.Release, out _)!;
            if (FileRendering.Render(file, made, out _) is { } content) _published.Add($"{file.Path}\n{Encoding.UTF8.GetString(content.Bytes.AsSpan())}");
        }

        _events.Enqueue(new Received(Documents.Message(document)));
        Run();
    }

    /// <summary>Another program writes a file, and the file system says so.</summary>
    public void Edit(FileOptions file, string text)
    {
        Files.Put(file.Path, Encoding.UTF8.GetBytes(text), file.Mode);
        _published.Add($"{file.Path}\n{text}");
        _events.Enqueue(new Touched(file.Name));
        Run();
    }

    public void Tell(AgentEvent what)
    {
        _events.Enqueue(what);
        Run();
    }

    public void Restart()
    {
        Files.LosePower(() => true);
        Start();
        Run();
    }

    public void Run()
    {
        for (int turns = 0; ; turns++)
        {
            Assert.True(turns < StepsMax, $"It does not come to rest: {_core}\n{string.Join('\n', Told.TakeLast(20))}");
            try
            {
                if (_events.TryDequeue(out AgentEvent? next))
                {
                    foreach (AgentEffect effect in _core.Step(next, _now)) Carry(effect);
                    continue;
                }

                if (_core.IsQuiet && !HasRetry) return;
                _now = Math.Max(_now, Math.Min(_core.NextDue, _now + 1_000_000));
                _events.Enqueue(new Ticked());
            }
            catch (CrashException)
            {
                Crashes++;
                CrashAt = long.MaxValue;
                _there.RemoveWhere(path => !Files.IsDurable(path));   // its first name was not synced yet
                Files.LosePower(() => _random.Next(2) == 0);
                Check();
                Start();
            }
        }
    }

    /// <summary>Something waits to be tried again, and not only for the next look at the files.</summary>
    private bool HasRetry => _core.NextDue < _now + 600_000;

    [MemberNotNull(nameof(_core), nameof(_disk), nameof(_state))]
    private void Start()
    {
        _events.Clear();
        _state = new StateDirectory(Files, "/state");
        _disk = new DiskEffects(Options, Files, _state, _ => default);
        _core = new AgentCore(Options);
        States = [];
        Started started = _state.Load(Options, out ImmutableArray<string> damaged);
        Assert.Empty(damaged);   // each file of the state is replaced as a whole
        _events.Enqueue(started);
        if (_server.Count > 0) _events.Enqueue(new Received(Documents.Message([.. _server.Values])));
    }

    private void Step()
    {
        Check();
        if (++_steps == CrashAt) throw new CrashException();
    }

    /// <summary>What must hold at every moment: a file is what it was, or what somebody published, and never a part or a mixture; and one that was there is never missing.</summary>
    private void Check()
    {
        foreach (FileOptions file in Options.Files)
        {
            string? text = File(file.Path);
            Assert.True(text is not null || !_there.Contains(file.Path), $"{file.Path} is missing");
            if (text is null) continue;
            _there.Add(file.Path);
            Assert.True(_published.Contains($"{file.Path}\n{text}"), $"{file.Path} holds what nobody published: \"{text}\"");
        }
    }

    private void Carry(AgentEffect effect)
    {
        Step();
        switch (effect)
        {
            case Tell tell:
                Told.Add(tell.Text);
                return;
            case Report report:
                Hear(report.States);
                return;
            case Inspect inspect:
                _events.Enqueue(_disk.Look(inspect.File));
                return;
            case Resync:
                _events.Enqueue(new Received(Documents.Message([.. _server.Values])));
                return;
            case GiveSlot:
                return;
            case StepEffect slow when Programs(slow) is { } answer:
                Step();   // done, and its end not yet known
                _events.Enqueue(new StepDone(slow.Group, slow.Step, answer));
                return;
        }

        StepResult result = _disk.Run(effect) ?? throw new InvalidOperationException(effect.ToString());
        if (effect is StepEffect step) _events.Enqueue(new StepDone(step.Group, step.Step, result));
    }

    private StepResult? Programs(StepEffect effect)
    {
        switch (effect)
        {
            case CheckFile check:
                string text = File(DiskEffects.StagedPath(Options.Files.First(f => f.Name == check.File).Path)) ?? throw new InvalidOperationException("there is nothing to check");
                return new StepResult(text.Contains("check-bad", StringComparison.Ordinal) ? "it is bad" : null);
            case RunAction action:
                Actions.Add($"{action.Group} {action.Kind}");
                if (FilesOf(action.Group).Contains("act-bad", StringComparison.Ordinal)) return new StepResult("it did not start");
                Running[action.Group] = FilesOf(action.Group);
                return StepResult.Done;
            case RunVerify verify:
                return new StepResult(Running.GetValueOrDefault(verify.Group, "").Contains("verify-bad", StringComparison.Ordinal) ? "it is not well" : null);
            case TakeSlot:
                return StepResult.Done;
            default:
                return null;
        }
    }

    /// <summary>What is acknowledged is so: the files are of that version, and the program runs with them; and it never goes back.</summary>
    private void Hear(ImmutableArray<V1.DocumentState> states)
    {
        States = states;
        Heard.AddRange(states.Select(s => $"{s.State} r{s.Release}"));
        foreach (V1.DocumentState state in states)
        {
            if (state.State is not "applied") continue;
            foreach (GroupOptions group in Options.Groups.Where(g => Options.FilesOf(g.Name).Any(f => f.Document == state.Document)))
            {
                string wanted = _server.Values.Where(s => s.Hash.Equals(state.Hash) && s.Document == state.Document).Select(s => Rendered(group.Name, s)).FirstOrDefault() ?? FilesOf(group.Name);
                Assert.Equal(wanted, FilesOf(group.Name));
                if (group.HasAction) Assert.Equal(FilesOf(group.Name), Running.GetValueOrDefault(group.Name));
            }

            Assert.True(_applied.GetValueOrDefault(state.Document) <= state.Release, $"{state.Document} went back from r{_applied.GetValueOrDefault(state.Document)} to r{state.Release}");
            _applied[state.Document] = state.Release;
        }
    }
}
