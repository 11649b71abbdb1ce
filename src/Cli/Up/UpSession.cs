using System.ComponentModel;
using Conclave.Client;
using Conclave.Client.Rpc;

namespace Conclave.Cli.Up;

/// <summary>The running nodes: starts them, asks them how they are, restarts and stops them.</summary>
internal sealed class UpSession : IAsyncDisposable
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(1), StopPatience = TimeSpan.FromSeconds(10);

    // A busy machine makes a node miss one question now and then; that is not worth a line.
    private static readonly TimeSpan AnswerLasts = TimeSpan.FromSeconds(2);
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ProcessStarter _starter = new();
    private readonly ConclaveClient _client;
    private readonly Tracked[] _nodes;

    /// <param name="plan">What to start.</param>
    /// <param name="binary">The node's program.</param>
    /// <param name="credentials">Who asks the members how they are, once users have to log in; null for nobody.</param>
    public UpSession(ClusterPlan plan, string binary, Credentials? credentials)
    {
        _nodes = [.. plan.Nodes.Select(node => new Tracked(new NodeProcess(node, binary, _starter), new RestartPolicy(_time)))];
        _client = new ConclaveClient(new ConclaveClientOptions
        {
            Endpoints = [.. plan.Nodes.Select(node => node.ClientUrl)],
            RequestTimeout = AskTimeout,
            RetryPatience = TimeSpan.Zero,
            Credentials = credentials,
            // It asks nodes that it started itself, over loopback; each makes its own certificate.
            Channel = new RpcChannelOptions { Tls = plan.IsTls ? ClientTls.FromFiles(skipVerification: true) : null },
        });
    }

    /// <summary>Starts every node that is down.</summary>
    /// <exception cref="Win32Exception">The program cannot be started.</exception>
    public async Task StartDownAsync()
    {
        foreach (Tracked node in _nodes)
        {
            if (!node.Process.IsRunning) await StartAsync(node).ConfigureAwait(false);
        }
    }

    /// <summary>Starts the nodes that have been down for long enough.</summary>
    /// <inheritdoc cref="StartDownAsync" path="/exception"/>
    public async Task StartDueAsync()
    {
        foreach (Tracked node in _nodes)
        {
            if (!node.Process.IsRunning && node.Restarts.IsDue()) await StartAsync(node).ConfigureAwait(false);
        }
    }

    /// <summary>How every node is now.</summary>
    public Task<NodeState[]> ObserveAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_nodes.Select((node, index) => ObserveAsync(node, index, cancellationToken)));

    /// <summary>Asks all nodes to end, waits, and kills those that do not.</summary>
    public Task StopAsync() => Task.WhenAll(_nodes.Select(node => node.Process.StopAsync(StopPatience)));

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        foreach (Tracked node in _nodes) node.Process.Dispose();
        await _client.DisposeAsync().ConfigureAwait(false);
        _starter.Dispose();
    }

    private static async Task StartAsync(Tracked node)
    {
        node.LastStatus = null;
        await node.Process.StartAsync().ConfigureAwait(false);
        node.Restarts.Started();
    }

    private async Task<NodeState> ObserveAsync(Tracked node, int index, CancellationToken cancellationToken)
    {
        if (node.Process.IsRunning)
        {
            try
            {
                node.LastStatus = await _client.Maintenance.StatusAsync(_client.Endpoints[index], cancellationToken).ConfigureAwait(false);
                node.Answered = _time.GetTimestamp();
            }
            catch (ConclaveException)
            {
                // Not answering is a state like any other; it shows when it lasts.
                if (_time.GetElapsedTime(node.Answered) > AnswerLasts) node.LastStatus = null;
            }
        }

        // Asked again: the process may have ended meanwhile.
        int? process = node.Process.ProcessId;
        MemberStatus? status = process is null ? null : node.LastStatus;
        return new NodeState(node.Process.Plan.Name, _client.Endpoints[index].Authority, process, node.Process.ExitCode, status);
    }

    private sealed class Tracked(NodeProcess process, RestartPolicy restarts)
    {
        public NodeProcess Process => process;

        public RestartPolicy Restarts => restarts;

        public MemberStatus? LastStatus { get; set; }

        public long Answered { get; set; }
    }
}
