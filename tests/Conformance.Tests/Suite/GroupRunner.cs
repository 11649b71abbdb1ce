namespace Conclave.Conformance.Tests.Suite;

/// <summary>Runs all cases of a group on one server, in order.</summary>
internal static class GroupRunner
{
    private static readonly TimeSpan CasePatience = TimeSpan.FromSeconds(60);

    public static async Task<List<Transcript>> RunAsync(Target target, CaseGroup group, CancellationToken cancellationToken)
    {
        await group.SetUpAsync(new Run(target, "set-up", Over.Grpc, first: 0, cancellationToken));
        target.FirstRevision = await FirstAsync(target, "the set-up", cancellationToken);
        string before = "the first case";
        List<Transcript> transcripts = [];
        foreach (Over over in (Over[])[Over.Grpc, Over.Json])
        {
            foreach (ConformanceCase one in group.Cases.Where(each => each.Transports.HasFlag(over)))
            {
                transcripts.Add(await RunAsync(target, one, over, await FirstAsync(target, before, cancellationToken), cancellationToken));
                before = $"'{one.Name}' over {over}";
            }
        }
        return transcripts;
    }

    private static async Task<Transcript> RunAsync(Target target, ConformanceCase one, Over over, long first, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(CasePatience);
        var run = new Run(target, one.Name, over, first, patience.Token);
        try
        {
            await one.Steps(run);
        }
        catch (CaseBrokenException e)
        {
            run.NoteBroken(e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            run.NoteBroken($"It did not end within {CasePatience.TotalSeconds:0} s.");
        }
        finally
        {
            run.CloseAll();
        }
        return run.Transcript(target.FirstRevision);
    }

    private static async Task<long> FirstAsync(Target target, string before, CancellationToken cancellationToken)
    {
        try
        {
            return await Run.RevisionAsync(target, target.Shared.TryGetValue("root", out string? token) ? new Dictionary<string, string> { ["token"] = token } : [], cancellationToken);
        }
        catch (CaseBrokenException e)
        {
            throw target.Cluster.Failure($"does not tell its revision after {before}: {e.Message}");
        }
    }
}
