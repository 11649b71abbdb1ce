using System.Collections.Concurrent;
using System.Diagnostics;

namespace Conclave.Cli.Up;

/// <summary>
/// Starts processes that do not outlive this one, however it ends. Where <c>setpriv</c> exists, the kernel sends each of them
/// SIGTERM when the thread that started it ends; so there is one thread for that, which lives as long as this object.
/// </summary>
internal sealed class ProcessStarter : IDisposable
{
    private const string Setpriv = "/usr/bin/setpriv";
    private readonly BlockingCollection<Action> _starts = [];
    private readonly Thread _thread;

    public ProcessStarter()
    {
        _thread = new Thread(() =>
        {
            foreach (Action start in _starts.GetConsumingEnumerable()) start();
        })
        { IsBackground = true, Name = "process starter" };
        _thread.Start();
    }

    /// <summary>Starts a program; its output is redirected, its input is empty.</summary>
    /// <param name="process">Prepared but not started: file name, arguments and events.</param>
    public Task StartAsync(Process process)
    {
        ProcessStartInfo info = process.StartInfo;
        (info.RedirectStandardOutput, info.RedirectStandardError, info.RedirectStandardInput) = (true, true, true);
        if (File.Exists(Setpriv))
        {
            string[] further = ["--pdeathsig", "TERM", "--", info.FileName];
            for (int i = 0; i < further.Length; i++) info.ArgumentList.Insert(i, further[i]);
            info.FileName = Setpriv;
        }

        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _starts.Add(() =>
        {
            try
            {
                process.Start();
                process.StandardInput.Close();
                started.SetResult();
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    public void Dispose()
    {
        _starts.CompleteAdding();
        _thread.Join();
        _starts.Dispose();
    }
}
