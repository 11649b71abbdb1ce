namespace Conclave.Agent;

/// <content>Files that somebody else changed.</content>
internal sealed partial class GroupMachine
{
    private readonly SortedDictionary<string, string> _drifted = new(StringComparer.Ordinal);   // by file: what is wrong
    private readonly HashSet<string> _unseen = new(StringComparer.Ordinal);   // files that were not looked at since the start
    private bool _mayRepairMissing, _isTouched;
    private long _repairAt = long.MaxValue, _repairedAt = long.MinValue / 2;

    public void OnTouched(string file, List<AgentEffect> effects)
    {
        if (_phase != Phase.Idle) _isTouched = true;   // looked at when the group is done: most touches are its own
        else if (_good?.File(file) is not null && _files.First(f => f.Name == file) is { } known && (known.Drift != DriftMode.Off || _unseen.Contains(file))) effects.Add(new Inspect(file));
    }

    public void OnInspected(Inspected look, long now, List<AgentEffect> effects)
    {
        if (_phase != Phase.Idle)
        {
            _isTouched = true;
            return;
        }

        if (_good?.File(look.File) is not { } good) return;
        FileOptions file = _files.First(f => f.Name == look.File);
        bool isFirst = _unseen.Remove(look.File);
        string what = look.Hash is null ? $"{file.Path} is gone." : look.Hash != good.Hash ? $"{file.Path} was changed by somebody else." : look.Wrong;
        if (what.Length == 0)
        {
            _drifted.Remove(look.File);
            return;
        }

        // At the start a file that is not there is no drift: the machine may have come up with an empty directory, and the program waits for it.
        bool isMissingAtStart = isFirst && look.Hash is null && _mayRepairMissing;
        if (!isMissingAtStart && file.Drift == DriftMode.Off) return;
        if (!_drifted.TryGetValue(look.File, out string? known) || known != what) effects.Add(new Tell(IsWarning: true, $"{Name}: {what}"));
        _drifted[look.File] = what;
        if (!isMissingAtStart && file.Drift != DriftMode.Repair) return;
        long pause = (long)agent.Retry.TotalMilliseconds;
        if (now < _repairedAt + pause)
        {
            _repairAt = _repairedAt + pause;   // whoever writes it all the time is not fought all the time
            return;
        }

        _repairedAt = now;
        Stage(_good, !isMissingAtStart && options.Live is not null ? ActionKind.Live : ActionKind.None, isChecked: true, effects);
    }

    /// <summary>The operator restarted the program.</summary>
    public void OnRestarted(long now, List<AgentEffect> effects)
    {
        if (_phase != Phase.Idle || !_journal.IsRestartPending) return;
        Close(_journal with { IsRestartPending = false }, effects);
    }
}
