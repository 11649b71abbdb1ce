using System.Collections.Immutable;

namespace Conclave.Agent;

/// <content>From what is wanted to files in place: render, guard, stage, check, commit.</content>
internal sealed partial class GroupMachine
{
    private void Begin(long now, List<AgentEffect> effects)
    {
        if (FileRendering.Render(_files, _wanted, out string problem) is not { } files)
        {
            _candidate = null;
            Refuse("rejected", problem, effects);
            return;
        }

        foreach (FileOptions file in _files)
        {
            AgentDocument wanted = _wanted.First(d => d.Name == file.Document);
            if (Guard.Refusal(_good?.Document(file.Document), wanted, file.ShrinkMax) is not { } refusal) continue;
            _candidate = null;
            Refuse("rejected", refusal, effects);
            return;
        }

        Stage(new GroupVersion { Documents = _wanted, Files = files }, action: null, isChecked: false, effects);
    }

    /// <param name="version">What the files are to become.</param>
    /// <param name="action">What it needs; null: find out.</param>
    /// <param name="isChecked">It passed its checks before.</param>
    /// <param name="effects">Where to put what is to be done.</param>
    private void Stage(GroupVersion version, ActionKind? action, bool isChecked, List<AgentEffect> effects)
    {
        (_candidate, _isChecked, _failure, _committed) = (version, isChecked, null, 0);
        _candidateAction = action ?? ActionKind.None;
        _findsAction = action is null;
        effects.Add(new StageFiles(Name, Expect(Phase.Staging), [.. version.Files.Where(f => _files.Any(known => known.Name == f.File))]));
    }

    private void OnStaged(StepResult result, string? failure, long now, List<AgentEffect> effects)
    {
        if (failure is not null)
        {
            Retry(failure, now, effects);
            return;
        }

        _staged = result;
        ImmutableArray<FileContent> changed = Changed;
        if (_findsAction) _candidateAction = ActionOf(changed);
        if (changed.IsEmpty && _journal.Step == JournalStep.Idle && _candidateAction == ActionKind.None)
        {
            if (_good?.Id == _candidate!.Id) ToIdle(now, effects);   // set by Stage
            else effects.Add(new SaveGood(Name, Expect(Phase.SavingGood), _candidate));
            return;
        }

        Fill(_isChecked ? [] : changed.Where(f => !_files.First(known => known.Name == f.File).Check.IsEmpty));
        CheckNext(effects);
    }

    private ImmutableArray<FileContent> Changed => [.. _candidate!.Files.Where(f => _files.Any(known => known.Name == f.File) && !_staged.Same.Contains(f.File))];   // set by Stage

    /// <summary>A reload does if every key that changed in a document of a changed file takes effect by one.</summary>
    private ActionKind ActionOf(ImmutableArray<FileContent> changed)
    {
        if (changed.IsEmpty || !options.HasAction) return ActionKind.None;
        var keys = new List<(string Key, AgentItem? Old, AgentItem? New)>();
        foreach (string document in changed.Select(c => _files.First(f => f.Name == c.File).Document).Distinct(StringComparer.Ordinal))
        {
            if (_good?.Document(document) is not { } old) return ActionKind.Restart;
            keys.AddRange(AgentDocument.Changes(old, _candidate!.Document(document)!));   // the candidate has every document of its files
        }

        return keys.Count > 0 && keys.All(k => (k.New ?? k.Old)!.IsLive) ? ActionKind.Live : ActionKind.Restart;   // one of the two is there
    }

    private void CheckNext(List<AgentEffect> effects)
    {
        if (_todo.TryPeek(out string? file)) effects.Add(new CheckFile(Name, Expect(Phase.Checking), file));
        else effects.Add(new SaveNext(Name, Expect(Phase.SavingNext), _candidate!, _good is null ? Original : null));   // set by Stage
        if (_phase == Phase.SavingNext) Fill(Changed);
    }

    private void CommitNext(long now, List<AgentEffect> effects)
    {
        if (_todo.TryPeek(out string? file)) effects.Add(new CommitFile(Name, Expect(Phase.Committing), file));
        else AfterCommit(now, now + SplayOf(), effects);
    }
}
