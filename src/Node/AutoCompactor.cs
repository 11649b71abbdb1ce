using Conclave.Node.Options;

namespace Conclave.Node;

/// <summary>Decides up to where history may go, from the revisions seen over time. Pure: the time is passed in.</summary>
/// <remarks>
/// Every member keeps count, so that a new leader does not begin a whole retention anew. Periodic: at most <see cref="SamplesMax"/> samples are
/// kept, and each decision reaches back one retention. Revision: all but the last so many, looked at every 5 minutes, as etcd does.
/// </remarks>
internal sealed class AutoCompactor(AutoCompaction rule)
{
    private const int SamplesMax = 32;
    private static readonly TimeSpan RevisionModeInterval = TimeSpan.FromMinutes(5), PeriodMax = TimeSpan.FromHours(1);

    private readonly Queue<(TimeSpan At, long Revision)> _samples = [];
    private TimeSpan _sampleDue, _decisionDue;

    /// <returns>The revision to compact at, or 0 when there is nothing to do now.</returns>
    public long Observe(TimeSpan now, long revision) => rule.Mode switch
    {
        AutoCompactionMode.Periodic => ObservePeriodic(now, revision),
        AutoCompactionMode.Revision => ObserveRevisions(now, revision),
        _ => 0,
    };

    private long ObservePeriodic(TimeSpan now, long revision)
    {
        if (now < _sampleDue) return 0;
        TimeSpan period = rule.Retention < PeriodMax ? rule.Retention : PeriodMax;
        _sampleDue = now + rule.Retention / (SamplesMax / 2);
        _samples.Enqueue((now, revision));
        long target = 0;
        while (_samples.Count > 0 && (_samples.Peek().At <= now - rule.Retention || _samples.Count > SamplesMax)) target = _samples.Dequeue().Revision;
        if (target == 0 || now < _decisionDue) return 0;
        _decisionDue = now + period / 2;
        return target;
    }

    private long ObserveRevisions(TimeSpan now, long revision)
    {
        if (now < _decisionDue) return 0;
        _decisionDue = now + RevisionModeInterval;
        return Math.Max(0, revision - rule.Revisions);
    }
}
