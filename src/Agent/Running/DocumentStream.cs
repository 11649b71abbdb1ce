using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>Follows the node's documents at one member after another, from where the agent is, for as long as it runs.</summary>
/// <param name="options">Which node and documents.</param>
/// <param name="client">The cluster.</param>
/// <param name="have">What is here now.</param>
/// <param name="receive">Takes a message in; done when the core has it.</param>
/// <param name="connected">Called before each stream: facts and states go out first, since documents may need the facts.</param>
/// <param name="say">A changed state of the connection; null is fine.</param>
internal sealed class DocumentStream(
    AgentOptions options, ConclaveClient client, Func<IReadOnlyCollection<AgentDocument>> have, Func<V1.Delta, Task> receive, Func<CancellationToken, Task> connected, Action<string?> say)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(30), BackoffMax = TimeSpan.FromSeconds(30), BackoffFirst = TimeSpan.FromMilliseconds(250);

    private CancellationTokenSource? _stream;
    private volatile bool _fromNothing;
    private long _movedRevision;   // the newest that a message had: a member that is behind it could bring old values of other nodes

    /// <summary>Whether the last answer was that there is no such node.</summary>
    public bool IsUnknownNode { get; private set; }

    /// <summary>Ends the stream and begins one that sends everything.</summary>
    public void Resync()
    {
        _fromNothing = true;
        _stream?.Cancel();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        for (int failures = 0; ; failures++)
        {
            (bool received, bool isResync) = (false, false);
            using var stream = CancellationTokenSource.CreateLinkedTokenSource(stop);
            _stream = stream;
            try
            {
                await ReportAsync(stream.Token).ConfigureAwait(false);
                V1.WatchRequest request = Request();
                using var first = new Timer(_ => say(NothingCame(request)), null, FirstWait, Timeout.InfiniteTimeSpan);
                await foreach (V1.Delta delta in client.Configuration.WatchAsync(request, stream.Token).ConfigureAwait(false))
                {
                    first.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    await receive(delta).ConfigureAwait(false);
                    _movedRevision = Math.Max(_movedRevision, delta.MovedRevision);
                    if (!received) say(null);
                    received = true;
                    if (!_fromNothing) failures = 0;   // a member whose messages cannot be used is one that fails
                }

                say("The stream was ended by the server.");
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                isResync = true;
            }
            catch (ConclaveException failure)
            {
                IsUnknownNode = Failures.IsNoSuchNode(failure);
                say(IsUnknownNode ? $"{failure.Message}. The files are kept as they are. Add the node with: conclave node set {options.Node} ..." : failure.Message);
            }

            if (isResync && failures == 0) continue;
            // Anywhere in the whole range, so that a fleet that lost its server does not come back at one moment.
            double range = Math.Min(BackoffMax.TotalMilliseconds, BackoffFirst.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 16)));
            await Task.Delay(TimeSpan.FromMilliseconds(range * Random.Shared.NextDouble()), stop).ConfigureAwait(false);
        }
    }

    /// <summary>What may be the reason, as far as it can be known from here.</summary>
    private static string NothingCame(V1.WatchRequest request) =>
        $"No member has sent anything for {FirstWait.TotalSeconds} s. Nothing older than r{request.MinRelease} is taken, which was here before"
        + (request.MinRevision > 0 ? $", and from a member that no majority answers nothing before revision {request.MinRevision}" : "")
        + ". Was a backup restored that is older, or can the members not reach each other?";

    /// <summary>A report that is refused will be refused again: that is no reason to go without configuration.</summary>
    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        try
        {
            await connected(cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException refused) when (Failures.IsRefusal(refused))
        {
            say($"The report was refused, and documents are asked for all the same: {refused.Message}");
        }
    }

    private V1.WatchRequest Request()
    {
        var request = new V1.WatchRequest { Space = options.Space, Node = options.Node };
        request.Documents.AddRange(options.Documents);
        IReadOnlyCollection<AgentDocument> here = have();
        long asOf = here.Count == 0 ? 0 : here.Max(d => d.AsOf);
        (request.MinRelease, request.MinRevision) = (asOf, _movedRevision);
        if (_fromNothing)
        {
            _fromNothing = false;
            return request;
        }

        request.FromRelease = asOf;
        request.Have.AddRange(here.Select(d => new V1.DocumentHash { Document = d.Name, Hash = d.Hash, Release = d.Release }));
        return request;
    }
}
