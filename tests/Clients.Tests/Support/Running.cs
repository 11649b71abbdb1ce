using System.Diagnostics;
using System.Threading.Channels;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Support;

/// <summary>A client that goes on until it is told to end, such as <c>etcdctl lock</c>. Its output is read line by line, and every wait for it is bounded.</summary>
internal sealed class Running : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();   // as much as a test's client says
    private readonly Task _reading;
    private readonly Task<string> _error;

    public Running(Process process)
    {
        _process = process;
        _reading = ReadAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    public StreamWriter Input => _process.StandardInput;

    /// <exception cref="TimeoutException">Nothing came; says what the client complained about.</exception>
    public async Task<string> LineAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await _lines.Reader.ReadAsync(patience.Token);
        }
        catch (ChannelClosedException)
        {
            await _process.WaitForExitAsync(cancellationToken);
            throw new InvalidOperationException($"{Name} ended with {_process.ExitCode} and said no more. Its complaints:\n{await _error}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{Name} said nothing for {Patience.TotalSeconds:0} s.");
        }
    }

    public async Task<List<string>> LinesAsync(int count, CancellationToken cancellationToken)
    {
        List<string> lines = [];
        while (lines.Count < count)
            lines.Add(await LineAsync(cancellationToken));
        return lines;
    }

    /// <summary>Ctrl-C, as somebody at a terminal gives it.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> InterruptAsync(CancellationToken cancellationToken)
    {
        Signals.Send(_process.Id, Signals.Interrupt);
        return EndAsync(cancellationToken);
    }

    /// <summary>Waits for it to end by itself.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
        return _process.ExitCode;
    }

    private string Name => $"{Path.GetFileName(_process.StartInfo.FileName)} {string.Join(' ', _process.StartInfo.ArgumentList)}";

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            _lines.Writer.TryWrite(line);
        _lines.Writer.Complete();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }
}
