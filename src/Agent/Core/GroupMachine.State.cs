using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <content>What is reported of the group.</content>
internal sealed partial class GroupMachine
{
    /// <summary>What there is to say of a document that the group reads.</summary>
    public V1.DocumentState StateOf(string document)
    {
        if (_wanted.IsEmpty)
        {
            string[] missing = [.. _files.Select(f => f.Document).Where(d => _received.All(r => r.Name != d)).Distinct(StringComparer.Ordinal)];
            return Waiting(document, missing.Contains(document) ? "no version of it has come yet: no member was reached, or a value of it refers to a fact or secret that is not there"
                : $"{Name}: waits for the first version of {string.Join(", ", missing)}");
        }

        if (IsRefused && _journal.RefusedDocuments.FirstOrDefault(d => d.Name == document) is { } refused)
            return new V1.DocumentState { Document = document, Release = refused.Release, State = _journal.RefusedState, Message = _journal.RefusedMessage, Hash = Google.Protobuf.ByteString.CopyFrom(Convert.FromHexString(refused.Hash)) };
        if (_retry is { } retry) return Waiting(document, retry.Message);   // the machine is in the way, not the content
        if (_journal.Step == JournalStep.Commit && _next?.Document(document) is { } next) return State(next, "pending-restart", $"{Name}: {PhaseText}");
        if (_good?.Document(document) is not { } good) return Waiting(document, $"{Name}: its first version is being applied");
        if (_files.Any(f => f.Document == document && _unseen.Contains(f.Name))) return Waiting(document, $"{Name}: the files were not looked at since the agent started");
        string[] drifted = [.. _files.Where(f => f.Document == document && _drifted.ContainsKey(f.Name)).Select(f => _drifted[f.Name])];
        if (drifted.Length > 0) return State(good, "drifted", string.Join(' ', drifted));
        return _journal.IsRestartPending ? State(good, "pending-restart", $"{Name}: the program has to be restarted by hand; then: conclave agent restarted '{Name}'") : State(good, "applied", "");
    }

    private V1.DocumentState Waiting(string document, string why) =>
        _received.FirstOrDefault(d => d.Name == document) is { } received ? State(received, "waiting", why) : new V1.DocumentState { Document = document, State = "waiting", Message = why };

    private static V1.DocumentState State(AgentDocument document, string state, string message) =>
        new() { Document = document.Name, Release = document.Release, State = state, Message = message, Hash = document.Hash };
}
