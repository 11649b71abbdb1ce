using Conclave.Node.Consensus;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

public class AnnouncementTests
{
    private readonly List<TaskCompletionSource<ProposalResult>> _proposed = [];
    private readonly Announcement _announcement;

    public AnnouncementTests() => _announcement = new Announcement(() =>
    {
        _proposed.Add(new TaskCompletionSource<ProposalResult>());
        return _proposed[^1].Task;
    });

    private void End(ProposalEnd end) => _proposed[^1].SetResult(new ProposalResult(end, default(ApplyOutcome)));

    [Fact]
    public void It_is_made_again_until_it_is_applied_and_never_twice_at_a_time()
    {
        _announcement.Pass();
        _announcement.Pass();
        Assert.Single(_proposed);
        End(ProposalEnd.Refused);
        _announcement.Pass();
        Assert.Equal(2, _proposed.Count);
        End(ProposalEnd.Unknown);
        _announcement.Pass();
        Assert.Equal(3, _proposed.Count);
        End(ProposalEnd.Applied);
        _announcement.Pass();
        _announcement.Pass();
        Assert.Equal(3, _proposed.Count);
    }
}
