using System.Collections.Immutable;
using Conclave.Client;
using Conclave.Wire.Grpc;

namespace Conclave.Cli.Members;

/// <summary>Carries out the steps of a change that was allowed.</summary>
internal sealed class MemberSteps(ConclaveClient client, ClusterSight seen, MemberChange change)
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(15), Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>The member that was added, once it was.</summary>
    public Member? Added { get; private set; }

    public MemberChange Change => change;

    /// <summary>The steps that were acknowledged, in order; after a failure, how far it came.</summary>
    public List<MemberStep> Done { get; } = [];

    /// <summary>The member that the change is about, which is not the one to add.</summary>
    public MemberSight? Target => change switch
    {
        PromoteMember promote => seen.Find(promote.Who),
        RemoveMember remove => seen.Find(remove.Who),
        UpdateMember update => seen.Find(update.Who),
        MoveLeader move => seen.Find(move.Who),
        ReplaceMember replace => seen.Find(replace.Who),
        _ => null,
    };

    /// <summary>The members after the steps, as far as they are known.</summary>
    public IEnumerable<MemberSight> After()
    {
        IEnumerable<MemberSight> left = seen.Members.Where(member => !Done.Contains(MemberStep.Remove) || member.Id != Target?.Id);
        if (Added is not { } added) return left;
        return [.. left, new MemberSight { Id = added.Id, Name = added.Name, PeerUrls = added.PeerUrls, IsLearner = added.IsLearner, Answers = false }];
    }

    public async Task RunAsync(IEnumerable<MemberStep> steps, CancellationToken cancellationToken)
    {
        foreach (MemberStep step in steps)
        {
            long started = TimeProvider.System.GetTimestamp();
            while (!await TryAsync(step, started, cancellationToken).ConfigureAwait(false)) await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            Done.Add(step);
        }
    }

    /// <summary>Once one step is done the rest should follow, and right after a change a cluster may want to settle before it takes the next.</summary>
    private async Task<bool> TryAsync(MemberStep step, long started, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(step, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ConclaveException e) when (Done.Count > 0 && e is UnavailableException or { Code: GrpcCode.FailedPrecondition } && TimeProvider.System.GetElapsedTime(started) < Settling)
        {
            return false;
        }
    }

    private async Task RunAsync(MemberStep step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case MemberStep.AddVoter or MemberStep.AddLearner:
                ImmutableArray<string> urls = change is AddMember add ? add.PeerUrls : ((ReplaceMember)change).PeerUrls;
                Added = await client.Members.AddAsync(urls, step == MemberStep.AddLearner, cancellationToken).ConfigureAwait(false);
                break;
            case MemberStep.Promote:
                MemberSight learner = change is ReplaceMember replace ? Replacement.Successor(seen, Known(), replace)! : Known();   // the check has found it
                await client.Members.PromoteAsync(learner.Id, cancellationToken).ConfigureAwait(false);
                break;
            case MemberStep.Remove:
                await RemoveAsync(Known().Id, cancellationToken).ConfigureAwait(false);
                break;
            case MemberStep.Update:
                await client.Members.UpdateAsync(Known().Id, ((UpdateMember)change).PeerUrls, cancellationToken).ConfigureAwait(false);
                break;
            case MemberStep.MoveLeader:
                await client.Maintenance.MoveLeaderAsync(Known().Id, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>A member that leads its own removal may end before its answer is out: then the others are asked whether it is one of them. Ids are never used again.</summary>
    private async Task RemoveAsync(ulong id, CancellationToken cancellationToken)
    {
        try
        {
            await client.Members.RemoveAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException e) when (e is UnavailableException or OutcomeUnknownException or { Code: GrpcCode.NotFound })
        {
            if ((await client.Members.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Members.Any(member => member.Id == id)) throw;
        }
    }

    private MemberSight Known() => Target ?? throw new InvalidOperationException("The check lets no change of an unknown member through.");
}
