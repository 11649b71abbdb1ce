using System.Collections.Immutable;
using Conclave.Client;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>Tells the cluster what is applied: at once when it changes, after each connection, and as a heartbeat. One report is under way at a time.</summary>
/// <param name="options">Whose state.</param>
/// <param name="client">Where to.</param>
/// <param name="warn">Takes what went wrong.</param>
/// <param name="runBefore">The last start of this agent that reported something; empty for none.</param>
/// <param name="reported">Told that this start has reported something, with each report until it says that it will remember that.</param>
internal sealed class Reporter(AgentOptions options, ConclaveClient client, Action<string> warn, byte[] runBefore, Func<byte[], bool> reported)
{
    private static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly Lock _gate = new();
    private readonly ByteString _run = ByteString.CopyFrom(Guid.NewGuid().ToByteArray());
    private ImmutableArray<V1.DocumentState> _states = [];   // with the next two under the gate
    private readonly Dictionary<string, (string State, long Release, long UnixMs)> _since = new(StringComparer.Ordinal);
    private readonly ByteString _runBefore = ByteString.CopyFrom(runBefore);
    private long _sequence;
    private bool _isRemembered;   // under _one
    private string _warned = "";

    public void Set(ImmutableArray<V1.DocumentState> states)
    {
        long clock = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        lock (_gate)
        {
            _states = states;
            foreach (V1.DocumentState state in states)
            {
                if (!_since.TryGetValue(state.Document, out var known) || known.State != state.State || known.Release != state.Release)
                    _since[state.Document] = (state.State, state.Release, clock);
            }
        }

        Wake();
    }

    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    /// <param name="facts">JSON by name, reported with what is known of the documents; null for that alone.</param>
    /// <param name="cancellationToken">Ends it; it may have been reported.</param>
    public async Task SendAsync(IReadOnlyDictionary<string, string>? facts, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Taken when it is its turn: states that are taken first and sent second would replace newer ones, and an old failure takes a good release back.
            V1.AcknowledgeRequest request = Request();
            if (facts is not null)
            {
                request.HasFacts = true;
                foreach ((string name, string json) in facts) request.Facts[name] = json;
            }

            if (request.HasFacts || request.States.Count > 0) await client.Configuration.AcknowledgeAsync(request, cancellationToken).ConfigureAwait(false);
            if (!_isRemembered && request.States.Count > 0) _isRemembered = reported(_run.ToByteArray());
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        TimeSpan wait = options.Heartbeat;
        while (true)
        {
            await _wake.WaitAsync(wait, stop).ConfigureAwait(false);
            try
            {
                await SendAsync(facts: null, stop).ConfigureAwait(false);
                (wait, _warned) = (options.Heartbeat, "");
            }
            catch (ConclaveException failure)
            {
                wait = options.Heartbeat < RetryWait ? options.Heartbeat : RetryWait;
                if (_warned != failure.Message) warn($"The state cannot be reported: {failure.Message}");
                _warned = failure.Message;
            }
        }
    }

    private V1.AcknowledgeRequest Request()
    {
        var request = new V1.AcknowledgeRequest { Space = options.Space, Node = options.Node, Run = _run, RunBefore = _runBefore };
        lock (_gate)
        {
            request.Sequence = ++_sequence;   // with the states, so that of two reports the one with the larger number has the newer ones
            request.ListsAll = !_states.IsEmpty;
            foreach (V1.DocumentState state in _states) request.States.Add(new V1.DocumentState(state) { SinceUnixMs = _since[state.Document].UnixMs });
        }

        return request;
    }
}
