using Conclave.Client;

namespace Conclave.Agent;

/// <summary>Looks for the node's facts before each stream and every so often, and has them reported.</summary>
internal sealed class FactsReport(AgentOptions options, ConclaveClient client, Reporter reporter, Action<string> warn)
{
    private readonly SemaphoreSlim _one = new(1, 1);   // one look at a time, so that an older one is never reported over a newer one

    // Under _one.
    private string _reported = "";
    private string _warned = "";

    /// <summary>Facts, and what is known of the documents with them. Also where they are the same as last time: the cluster may have lost them.</summary>
    /// <exception cref="ConclaveException">They could not be reported.</exception>
    public Task SendAsync(CancellationToken cancellationToken) => LookAsync(onlyNews: false, cancellationToken);

    /// <summary>An address changes, and a command says something else, while a stream lives for weeks.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(options.ReportFacts ? options.FactsInterval : Timeout.InfiniteTimeSpan, stop).ConfigureAwait(false);
            try
            {
                await LookAsync(onlyNews: true, stop).ConfigureAwait(false);
            }
            catch (ConclaveException failure)
            {
                WarnOnce($"Other facts than before cannot be reported, which is tried again: {failure.Message}");
            }
        }
    }

    private async Task LookAsync(bool onlyNews, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            IReadOnlyDictionary<string, string>? found = await Facts.FindAsync(options, client.Endpoints, WarnOnce, cancellationToken).ConfigureAwait(false);
            string text = found is null ? "" : string.Join('\n', found.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key} {f.Value}"));
            if (onlyNews && (found is null || text == _reported)) return;
            await reporter.SendAsync(found, cancellationToken).ConfigureAwait(false);
            if (found is not null) (_reported, _warned) = (text, "");
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>What stays wrong is said once, not at every look.</summary>
    private void WarnOnce(string text)
    {
        if (Interlocked.Exchange(ref _warned, text) != text) warn(text);
    }
}
