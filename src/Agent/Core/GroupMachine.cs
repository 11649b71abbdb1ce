using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Agent;

/// <summary>One group: files that change together and the program that reads them. At most one step is under way, and the journal is ahead of it.</summary>
/// <remarks>
/// <code>
/// Idle -> Settling -> Staging -> Checking -> SavingNext -> Journaling -> Committing -> Waiting -> Queueing -> Acting -> Verifying -> Promoting -> Closing -> Idle
///                     |          |           |             |             |  (from here on a crash goes on with Staging of the next version)
///                     +----------+-----------+-------------+-> Idle: the old files stay, the state is rejected, or waiting where the machine was in the way
///                                                                        +-> Restoring ... -> Closing: the state is failed     (GroupMachine.Restoring.cs)
/// </code>
/// </remarks>
internal sealed partial class GroupMachine(AgentOptions agent, GroupOptions options)
{
    private const int RetryDoublingsMax = 5;

    private readonly ImmutableArray<FileOptions> _files = [.. agent.FilesOf(options.Name)];
    private readonly Queue<string> _todo = new();   // files that the phase still has to go over

    private Phase _phase;
    private long _step;
    private Journal _journal = Journal.Empty;
    private Journal _journalBefore = Journal.Empty;
    private GroupVersion? _good;
    private GroupVersion? _next;        // what the journal's Commit is about
    private GroupVersion? _candidate;   // what is being staged
    private ImmutableArray<AgentDocument> _wanted = [];   // empty until all of them were received once
    private ImmutableArray<AgentDocument> _received = [];
    private bool _mayBegin;
    private bool _isCommitted;          // the next version's files are all in place
    private bool _findsAction;
    private int _committed;             // files of this pass
    private string _abortMessage = "";
    private bool _isChecked;            // the candidate passed before, or was there before
    private ActionKind _candidateAction;
    private StepResult _staged = StepResult.Done;
    private ActionKind _action;
    private bool _holdsRestart;
    private long _settledSince, _settleAt, _actAt;
    private (string Wanted, string Message)? _retry;
    private long _retryAt;
    private int _retries;

    private enum Phase
    {
        Idle,
        Settling,
        Staging,
        Checking,
        SavingNext,
        Journaling,
        Committing,
        Waiting,
        Queueing,
        Acting,
        Verifying,
        Promoting,
        SavingGood,
        Aborting,
        Refusing,
        Closing,
        RestoreJournaling,
        RestoreStaging,
        RestoreCommitting,
        RestoreActing,
        RestoreVerifying,
        RestoreWaiting,
        StageWaiting,
    }

    /// <summary>Nothing is under way; perhaps something is tried again later.</summary>
    public bool IsQuiet => _phase is Phase.Idle or Phase.RestoreWaiting or Phase.StageWaiting;

    public string PhaseText => _phase.ToString().ToLowerInvariant();

    public long NextDue => _phase switch
    {
        Phase.Settling => _settleAt,
        Phase.Waiting => _actAt,
        Phase.RestoreWaiting or Phase.StageWaiting => _retryAt,
        Phase.Idle => Math.Min(_retry is not null ? _retryAt : long.MaxValue, _repairAt),
        _ => long.MaxValue,
    };

    private string Name => options.Name;

    /// <summary>What the files are, or are becoming.</summary>
    private GroupVersion? Current => _journal.Step == JournalStep.Commit ? _next : _good;

    public bool Reads(string document) => _files.Any(f => f.Document == document);

    public bool IsGood(AgentDocument document) => _good?.Document(document.Name) is { } good && good.Release == document.Release && good.SameContent(document);

    public void Start(GroupOnDisk? disk, IReadOnlyDictionary<string, AgentDocument> have, bool mayBegin, long now, List<AgentEffect> effects)
    {
        (_journal, _good, _next, _mayBegin) = (disk?.Journal ?? Journal.Empty, disk?.Good, disk?.Next, mayBegin);
        Want(have);
        switch (_journal.Step)
        {
            case JournalStep.Commit when _next is not null:
                effects.Add(new Tell(IsWarning: false, $"{Name}: goes on with what was begun before the agent ended."));
                Stage(_next, _journal.Action, isChecked: true, effects);
                break;
            case JournalStep.Restore when _good is not null:
                effects.Add(new Tell(IsWarning: false, $"{Name}: goes on with restoring."));
                (_failure, _action) = (_journal.RefusedMessage, _journal.Action);
                StageGood(effects);
                break;
            case JournalStep.Idle when _journal.IsRestartPending && options.Restart is not null && _good is not null:
                Stage(_good, ActionKind.Restart, isChecked: true, effects);
                break;
            case JournalStep.Idle:
                _mayRepairMissing = mayBegin;
                effects.Add(new DropStaged(Name));   // its deletion may be what a crash took
                foreach (FileOptions file in _files)
                {
                    if (_good?.File(file.Name) is not null) _unseen.Add(file.Name);
                    OnTouched(file.Name, effects);
                }

                Consider(now, effects);
                break;
            default:
                // It was promoted, and the record of that is what the crash took.
                Close(_journal with { Step = JournalStep.Idle, Action = ActionKind.None }, effects);
                break;
        }
    }

    public void OnDocuments(IReadOnlyDictionary<string, AgentDocument> have, IReadOnlySet<string> changed, long now, List<AgentEffect> effects)
    {
        bool began = _mayBegin;
        _mayBegin = true;
        if (began && !_files.Any(f => changed.Contains(f.Document))) return;
        Want(have);
        Consider(now, effects);
    }

    public void OnTime(long now, List<AgentEffect> effects)
    {
        if (now < NextDue) return;
        switch (_phase)
        {
            case Phase.Settling:
                Begin(now, effects);
                break;
            case Phase.Waiting:
                Act(effects);
                break;
            case Phase.RestoreWaiting:
                StageGood(effects);
                break;
            case Phase.StageWaiting:
                Stage(_next!, _journal.Action, isChecked: true, effects);   // or there would be nothing to wait for
                break;
            case Phase.Idle when now >= _repairAt:
                _repairAt = long.MaxValue;
                foreach (FileOptions file in _files) OnTouched(file.Name, effects);
                break;
            case Phase.Idle:
                _retryAt = long.MaxValue;
                Begin(now, effects);
                break;
        }
    }

    public void OnDone(long step, StepResult result, long now, List<AgentEffect> effects)
    {
        if (step != _step) return;   // of something that was given up
        string? failure = result.Failure is null ? null : Masking.Hide(result.Failure, Masking.SecretsOf(_good, _next, _candidate));
        switch (_phase)
        {
            case Phase.Staging:
                OnStaged(result, failure, now, effects);
                break;
            case Phase.Checking when failure is not null:
                Refuse("rejected", $"{_todo.Peek()}: the check refused it: {failure}", effects);
                break;
            case Phase.Checking:
                _todo.Dequeue();
                CheckNext(effects);
                break;
            case Phase.SavingNext or Phase.Journaling when failure is not null:
                if (_phase == Phase.Journaling) _journal = _journalBefore;
                Retry(failure, now, effects);
                break;
            case Phase.SavingNext:
                if (_good is null && Original is { } original) _good = original;
                WriteJournal(Phase.Journaling, new Journal
                {
                    Step = JournalStep.Commit,
                    Action = _journal.Step == JournalStep.Commit && _journal.Action > _candidateAction ? _journal.Action : _candidateAction,
                    Target = _candidate!.Id,   // set by Stage
                    IsRestartPending = _journal.IsRestartPending,
                }, effects);
                break;
            case Phase.Journaling:
                (_next, _isCommitted, _retry) = (_candidate, false, null);
                CommitNext(now, effects);
                break;
            case Phase.Committing when failure is not null:
                if (_committed > 0 || result.MayBeDone || _journalBefore.Step != JournalStep.Idle)
                {
                    Fail($"{_todo.Peek()} could not be put in place: {failure}", ActionKind.None, effects);
                    break;
                }

                _abortMessage = failure;
                WriteJournal(Phase.Aborting, _journalBefore, effects);
                break;
            case Phase.Committing:
                _todo.Dequeue();
                _committed++;
                CommitNext(now, effects);
                break;
            case Phase.Queueing when failure is not null:
                effects.Add(new Tell(IsWarning: true, $"{Name}: no slot to restart in: {failure}"));
                WaitToAct(now + Backoff(), effects);
                break;
            case Phase.Queueing:
                RunAction(Phase.Acting, effects);
                break;
            case Phase.Acting when failure is not null:
                Fail($"the {Word(_action)} failed: {failure}", _action, effects);
                break;
            case Phase.Acting when options.Verify is not null:
                effects.Add(new RunVerify(Name, Expect(Phase.Verifying), _action));
                break;
            case Phase.Verifying when failure is not null:
                Fail($"it is not well after the {Word(_action)}: {failure}", _action, effects);
                break;
            case Phase.Acting or Phase.Verifying:
                effects.Add(new GiveSlot(Name));
                PromoteNext(effects);
                break;
            case Phase.Promoting:
                if (failure is not null) effects.Add(new Tell(IsWarning: true, $"{Name}: {failure} After a crash the {Word(_action)} would be done again."));
                _good = _next;
                Close(_failure is null ? new Journal { IsRestartPending = _holdsRestart || (_journal.IsRestartPending && _action != ActionKind.Restart) } : Refusal("failed", _failure, JournalStep.Idle, _next!.Documents), effects);   // set since Journaling
                break;
            case Phase.SavingGood when failure is not null:
                Retry(failure, now, effects);
                break;
            case Phase.SavingGood:
                (_good, _retry) = (_candidate, null);
                _drifted.Clear();
                _unseen.Clear();
                Close(new Journal { IsRestartPending = _journal.IsRestartPending }, effects);
                break;
            case Phase.Refusing when _journal.Step == JournalStep.Commit:
                AfterCommit(now, Math.Max(now, _actAt), effects);   // the version before that one still has its action to come
                break;
            case Phase.Aborting:
                Retry(_abortMessage, now, effects);
                break;
            case Phase.Refusing or Phase.Closing:
                if (failure is not null) effects.Add(new Tell(IsWarning: true, $"{Name}: {failure}"));
                ToIdle(now, effects);
                break;
            default:
                OnRestoreDone(result, failure, now, effects);
                break;
        }
    }

    private static string Word(ActionKind kind) => kind == ActionKind.Live ? "reload" : "restart";

    private bool IsRefused => !_wanted.IsEmpty && _journal.Refused.Length > 0 && _journal.Refused == WantedId(_wanted);

    /// <summary>What was there before the agent came, where nothing is known to be good.</summary>
    private GroupVersion? Original => _staged.Before.IsEmpty ? null : new GroupVersion { Documents = [], Files = _staged.Before };

    private string WantedId(IEnumerable<AgentDocument> documents) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join('\n', documents.Select(DocumentRef.Of).Select(d => $"{d.Name} {d.Release} {d.Hash}").Prepend(agent.Fingerprint)))).AsSpan(0, 16));

    private void Want(IReadOnlyDictionary<string, AgentDocument> have)
    {
        string[] names = [.. _files.Select(f => f.Document).Distinct(StringComparer.Ordinal)];
        _received = [.. names.Where(have.ContainsKey).Select(n => have[n])];
        _wanted = _received.Length == names.Length ? _received : [];
        if (_retry is { } retry && !_wanted.IsEmpty && retry.Wanted != WantedId(_wanted)) (_retry, _retries) = (null, 0);
    }

    /// <summary>Looks whether there is something to do, where something may be begun.</summary>
    private void Consider(long now, List<AgentEffect> effects)
    {
        if (_phase is not (Phase.Idle or Phase.Settling or Phase.Waiting or Phase.Queueing) || !_mayBegin || _wanted.IsEmpty || IsRefused || _retry is not null) return;
        if (Current is { } current && Matches(current))
        {
            if (_phase == Phase.Settling) Resume(now, effects);
            return;
        }

        if (_phase == Phase.Queueing) effects.Add(new GiveSlot(Name));   // what it would restart with is out of date
        if (_phase != Phase.Settling) _settledSince = now;
        _settleAt = Math.Min(now + (long)options.SettleMin.TotalMilliseconds, _settledSince + (long)options.SettleMax.TotalMilliseconds);
        _step++;
        _phase = Phase.Settling;
    }

    private bool Matches(GroupVersion version) =>
        _wanted.All(w => version.Document(w.Name) is { } d && d.Release == w.Release && d.SameContent(w))
        && FileRendering.Render(_files, _wanted, out _) is { } files
        && files.Length == version.Files.Length && files.All(f => version.File(f.File) is { } known && known.Path == f.Path && known.Bytes.AsSpan().SequenceEqual(f.Bytes.AsSpan()));

    /// <summary>Back to what was waiting when settling began.</summary>
    private void Resume(long now, List<AgentEffect> effects)
    {
        _phase = Phase.Idle;
        if (_journal.Step == JournalStep.Commit) AfterCommit(now, Math.Max(now, _actAt), effects);
    }

    private void Close(Journal journal, List<AgentEffect> effects)
    {
        effects.Add(new GiveSlot(Name));
        effects.Add(new DropStaged(Name));
        WriteJournal(Phase.Closing, journal, effects);
    }

    private void WriteJournal(Phase phase, Journal journal, List<AgentEffect> effects)
    {
        (_journalBefore, _journal) = (_journal, journal);
        effects.Add(new SaveJournal(Name, Expect(phase), journal));
    }

    private void ToIdle(long now, List<AgentEffect> effects)
    {
        _phase = Phase.Idle;
        _step++;
        if (_retry is null) _retries = 0;
        if (_isTouched)
        {
            _isTouched = false;
            foreach (FileOptions file in _files) OnTouched(file.Name, effects);
        }

        Consider(now, effects);
    }

    private long Expect(Phase phase)
    {
        _phase = phase;
        return ++_step;
    }

    private void Fill(IEnumerable<FileContent> files)
    {
        _todo.Clear();
        foreach (FileContent file in files) _todo.Enqueue(file.File);
    }
}
