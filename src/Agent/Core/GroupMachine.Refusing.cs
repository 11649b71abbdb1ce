using System.Collections.Immutable;

namespace Conclave.Agent;

/// <content>What is not applied: because of what it says, or because the machine is in the way.</content>
internal sealed partial class GroupMachine
{
    /// <summary>What is wanted cannot be applied as it is; the files stay as they are, and it is not tried again.</summary>
    private void Refuse(string state, string message, List<AgentEffect> effects)
    {
        effects.Add(new DropStaged(Name));
        _retry = null;
        string masked = Masking.Hide(message, _wanted.SelectMany(d => d.Secrets));
        effects.Add(new Tell(IsWarning: true, $"{Name}: {state}: {masked}"));
        Journal refusal = Refusal(state, masked, _journal.Step, _wanted);
        WriteJournal(Phase.Refusing, refusal with { Action = _journal.Action, Target = _journal.Target, IsRestartPending = _journal.IsRestartPending }, effects);
    }

    private Journal Refusal(string state, string message, JournalStep step, ImmutableArray<AgentDocument> documents) => new()
    {
        Step = step,
        Action = step == JournalStep.Idle ? ActionKind.None : _action,
        Refused = WantedId(documents),
        RefusedState = state,
        RefusedMessage = message,
        RefusedDocuments = [.. documents.Select(DocumentRef.Of)],
    };

    /// <summary>The machine was in the way, not the content: it is tried again.</summary>
    private void Retry(string message, long now, List<AgentEffect> effects)
    {
        effects.Add(new DropStaged(Name));
        effects.Add(new Tell(IsWarning: true, $"{Name}: {message}"));
        _retryAt = now + Backoff();
        if (_journal.Step == JournalStep.Commit && !_isCommitted)
        {
            _step++;
            _phase = Phase.StageWaiting;   // what was begun before a crash comes first
            return;
        }

        _retry = (WantedId(_wanted), message);
        if (_journal.Step == JournalStep.Commit) AfterCommit(now, Math.Max(now, _actAt), effects);   // the version before has its action to come
        else ToIdle(now, effects);
    }

    private long Backoff() => (long)(agent.Retry.TotalMilliseconds * (1 << Math.Min(_retries++, RetryDoublingsMax)));
}
