using System.Buffers;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>What the store answers, beside what the committed history says it must: writes (I13), reads (I14). Only in runs with the real store.</summary>
internal sealed class ContentCheck(SimWorld world)
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Dictionary<SessionSequence, ApplyOutcome> _sessionAnswers = [];
    private LogIndex _compared;

    public StoreOracle Oracle { get; } = new();

    public LeaseCheck Leases { get; } = new(world);

    public QueueCheck Queues { get; } = new(world);

    /// <summary>An entry is committed, as first reported by any node.</summary>
    public void OnCommitted(ulong operation)
    {
        StoreRequest? request = operation == 0 ? null : world.Clients.Requests.RequestOf(operation);
        Oracle.Apply(request);
        Leases.OnCommitted(request, Oracle.At(Oracle.Applied).Answer);
        Queues.OnCommitted(Oracle.Revision);
        world.Clients.Config.OnCommitted(request, Oracle.At(Oracle.Applied).Answer);
    }

    /// <summary>The first node to apply an entry; the others are compared with it by hash (I16).</summary>
    public void OnApplied(SimNode node, LogIndex index, ulong operation)
    {
        if (index != _compared.Next) return;
        _compared = index;
        if (operation != 0) OnAnswer(node, index, operation, ((StoreMachine)node.Machine).LastOutcome);
    }

    /// <summary>The answer to a write.</summary>
    public void OnAnswer(SimNode node, LogIndex index, ulong operation, in ApplyOutcome outcome)
    {
        StoreOracle.IndexState expected = Oracle.At(index);
        StoreRequest request = world.Clients.Requests.RequestOf(operation)!; // every operation has one
        string answer = StoreAnswer.Of(request, outcome.Error, outcome.Body.Span);
        string invariant = request.Session.IsNone ? "I13" : "I17";
        if (answer != expected.Answer || outcome.Revision != expected.AnswerRevision)
            throw new SimulationFailure($"{invariant}: {node.Id} answers entry {index} ({request}) with revision {outcome.Revision} and '{answer}', where the history says {expected.AnswerRevision} and '{expected.Answer}'.");
        if (!request.Session.IsNone && outcome.Error is not StoreError.LeaseNotFound and not StoreError.SequenceTooOld) CheckRepeat(node, request.Session, outcome);
    }

    /// <summary>I17: what is answered to one number of one session is the same to the last byte, whoever answers and how often.</summary>
    private void CheckRepeat(SimNode node, SessionSequence session, in ApplyOutcome outcome)
    {
        if (_sessionAnswers.TryAdd(session, outcome)) return;
        ApplyOutcome first = _sessionAnswers[session];
        if (first.Error != outcome.Error || first.Revision != outcome.Revision || !first.Body.Span.SequenceEqual(outcome.Body.Span))
            throw new SimulationFailure($"I17: {node.Id} answers {session} with {outcome.Error}, revision {outcome.Revision} and {outcome.Body.Length} bytes; the first time it was {first.Error}, {first.Revision}, {first.Body.Length} bytes.");
        world.Statistics.AnswersRepeated++;
    }

    /// <summary>What readers see must be everything that the node says it has applied.</summary>
    public void OnReadServed(SimNode node)
    {
        ulong published = ((StoreMachine)node.Machine).View.AppliedIndex;
        if (published != node.Machine.Applied.Index.Value)
            throw new SimulationFailure($"I14: {node.Id} has applied {node.Machine.Applied.Index}, and lets a read see the state of {published}.");
    }

    /// <summary>Reads at a node, now.</summary>
    /// <returns>The answer, which is right.</returns>
    public string Read(SimNode node, RangeRequest range)
    {
        StoreView view = ((StoreMachine)node.Machine).View;
        _buffer.ResetWrittenCount();
        StoreError error = view.Range(range.Body(), _buffer);
        string answer = StoreAnswer.Of(range, error, _buffer.WrittenSpan), expected = Oracle.Read(range, new LogIndex(view.AppliedIndex));
        if (answer != expected) throw new SimulationFailure($"I14: {node.Id} answers {range} at index {view.AppliedIndex} with '{answer}', where the history says '{expected}'.");
        world.Statistics.ReadsCompared++;
        return answer;
    }
}
