using System.Collections.Immutable;

namespace Conclave.Agent;

/// <content>After a failure: the last good files again, and the program told so.</content>
internal sealed partial class GroupMachine
{
    private string? _failure;

    /// <summary>The files were changed, and the program is not well with them.</summary>
    private void Fail(string message, ActionKind acted, List<AgentEffect> effects)
    {
        bool restores = options.RestoreOnFailure && _good is { Files.IsEmpty: false };
        string good = _good is { Documents.IsEmpty: false } version ? "The files of " + string.Join(", ", version.Documents.Select(d => $"{d.Name} r{d.Release}")) : "The files that were there before";
        _failure = restores ? $"{Ended(message)} {good} are put back." : $"{Ended(message)} The new files stay{(options.RestoreOnFailure ? ", since there is nothing to go back to" : "")}.";
        effects.Add(new Tell(IsWarning: true, $"{Name}: failed: {_failure}"));
        if (!restores)
        {
            effects.Add(new GiveSlot(Name));
            PromoteNext(effects);
            return;
        }

        _action = acted;
        WriteJournal(Phase.RestoreJournaling, Refusal("failed", _failure, JournalStep.Restore, _next!.Documents) with { IsRestartPending = _journal.IsRestartPending }, effects);   // set since Journaling
    }

    /// <summary>What a program said last may end in anything, and a sentence follows.</summary>
    private static string Ended(string message) => message.Length > 0 && message[^1] is '.' or '!' or '?' ? message : message + '.';

    private void StageGood(List<AgentEffect> effects)
    {
        ImmutableArray<FileContent> files = [.. _good!.Files.Where(f => _files.Any(known => known.Name == f.File))];   // restoring begins only with something good
        effects.Add(new StageFiles(Name, Expect(Phase.RestoreStaging), files));
    }

    private void OnRestoreDone(StepResult result, string? failure, long now, List<AgentEffect> effects)
    {
        switch (_phase)
        {
            case Phase.RestoreJournaling:
                // Without the record a crash would go on with the next version, fail again, and come here again.
                if (failure is not null) effects.Add(new Tell(IsWarning: true, $"{Name}: {failure}"));
                StageGood(effects);
                break;
            case Phase.RestoreStaging or Phase.RestoreCommitting when failure is not null:
                effects.Add(new Tell(IsWarning: true, $"{Name}: the last good files could not be put back, which is tried again: {failure}"));
                effects.Add(new DropStaged(Name));
                _retryAt = now + Backoff();
                _step++;
                _phase = Phase.RestoreWaiting;
                break;
            case Phase.RestoreStaging:
                Fill(_good!.Files.Where(f => _files.Any(known => known.Name == f.File) && !result.Same.Contains(f.File)));   // as in StageGood
                RestoreNext(effects);
                break;
            case Phase.RestoreCommitting:
                _todo.Dequeue();
                RestoreNext(effects);
                break;
            case Phase.RestoreActing when failure is null && options.Verify is not null:
                effects.Add(new RunVerify(Name, Expect(Phase.RestoreVerifying), _action));
                break;
            case Phase.RestoreActing or Phase.RestoreVerifying:
                if (failure is not null) _failure += $" With them it is not well either: {Ended(failure)}";
                CloseFailure(effects);
                break;
        }
    }

    private void RestoreNext(List<AgentEffect> effects)
    {
        if (_todo.TryPeek(out string? file)) effects.Add(new CommitFile(Name, Expect(Phase.RestoreCommitting), file));
        else if (_action != ActionKind.None) RunAction(Phase.RestoreActing, effects);
        else CloseFailure(effects);
    }

    private void CloseFailure(List<AgentEffect> effects)
    {
        _drifted.Clear();
        _unseen.Clear();
        _next = null;
        Close(_journal with { Step = JournalStep.Idle, Action = ActionKind.None, RefusedMessage = _failure ?? _journal.RefusedMessage }, effects);
    }
}
