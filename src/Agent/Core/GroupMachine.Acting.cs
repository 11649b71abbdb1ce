using System.Security.Cryptography;
using System.Text;

namespace Conclave.Agent;

/// <content>What follows on files in place: wait for the turn, reload or restart, promote.</content>
internal sealed partial class GroupMachine
{
    private void PromoteNext(List<AgentEffect> effects) => effects.Add(new SaveGood(Name, Expect(Phase.Promoting), _next!));   // set since Journaling

    private void AfterCommit(long now, long actAt, List<AgentEffect> effects)
    {
        _drifted.Clear();
        _unseen.Clear();
        _isCommitted = true;
        (_action, _holdsRestart) = (_journal.Action, false);
        if (_action == ActionKind.Restart && options.Restart is null) (_action, _holdsRestart) = (options.Live is null ? ActionKind.None : ActionKind.Live, options.Live is not null);
        if (_action == ActionKind.Live && options.Live is null) _action = options.Restart is null ? ActionKind.None : ActionKind.Restart;
        if (_action == ActionKind.None) PromoteNext(effects);
        else WaitToAct(actAt, effects);
        if (_phase == Phase.Waiting && _actAt <= now) Act(effects);
        else if (_phase == Phase.Waiting) Consider(now, effects);
    }

    /// <summary>Spread evenly over the fleet, and the same after a crash.</summary>
    private long SplayOf()
    {
        long splay = (long)options.Splay.TotalMilliseconds;
        return splay == 0 ? 0 : (long)(BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{agent.Node}\n{Name}\n{_next!.Id}"))) % (ulong)splay);   // set since Journaling
    }

    private void WaitToAct(long at, List<AgentEffect> effects)
    {
        effects.Add(new GiveSlot(Name));
        (_actAt, _phase) = (at, Phase.Waiting);
        _step++;
    }

    private void Act(List<AgentEffect> effects)
    {
        if (_action == ActionKind.Restart && options.RestartSlots is not null) effects.Add(new TakeSlot(Name, Expect(Phase.Queueing)));
        else RunAction(Phase.Acting, effects);
    }

    private void RunAction(Phase phase, List<AgentEffect> effects) => effects.Add(new RunAction(Name, Expect(phase), _action));
}
