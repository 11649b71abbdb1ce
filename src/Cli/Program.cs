using System.Runtime.InteropServices;
using Conclave.Cli;
using Conclave.Cli.Output;

using CancellationTokenSource stop = new();

// The first signal asks for an orderly end; a second one of the same kind finds no handler and ends the process.
List<PosixSignalRegistration> registrations = [];
foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
{
    registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = !stop.IsCancellationRequested;
        stop.Cancel();
    }));
}

return await CommandLine.RunAsync(args, Terminal.OfProcess(), stop.Token);
