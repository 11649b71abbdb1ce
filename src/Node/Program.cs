using System.Collections;
using System.Runtime.InteropServices;
using Conclave.Node;
using Conclave.Node.Auth;
using Conclave.Node.Configuration;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Restoring;
using Conclave.Node.Services;
using Conclave.Node.Tls;
using Conclave.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

if (args is [RestoreCommand.Name, ..])
    return RestoreCommand.Run(args[1..], EnvironmentOfProcess(), Console.Out, Console.Error);

NodeFlags.Parsed parsed = NodeFlags.Parse(args, EnvironmentOfProcess());
if (parsed.HelpAsked)
{
    Console.WriteLine("conclave-node: one member of a Conclave cluster. Without flags: a single node on 127.0.0.1:2379.\n");
    foreach (string line in NodeFlags.Help()) Console.WriteLine(line);
    Console.WriteLine("\nconclave-node restore FILE makes the data directory of a new cluster's member from a backup; restore alone says how.");
    Console.WriteLine("\nEach flag can also be set as an environment variable: --data-dir is CONCLAVE_DATA_DIR.");
    return ExitCodes.Done;
}

if (parsed.VersionAsked)
{
    Console.WriteLine($"conclave-node {NodeVersion.Conclave} (etcd API {NodeVersion.EtcdServer})");
    return ExitCodes.Done;
}

foreach (string warning in parsed.Warnings) Console.Error.WriteLine($"conclave-node: warning: {warning}");
foreach (string error in parsed.Errors) Console.Error.WriteLine($"conclave-node: {error}");
if (parsed.Options is not { } options) return ExitCodes.Usage;

LogLevel level = options.LogLevel switch
{
    "debug" => LogLevel.Debug,
    "warn" => LogLevel.Warning,
    "error" => LogLevel.Error,
    _ => LogLevel.Information,
};
using ILoggerFactory loggers = LoggerFactory.Create(logging => logging
    .SetMinimumLevel(level)
    .AddFilter("Microsoft", level > LogLevel.Warning ? level : LogLevel.Warning)
    .AddSimpleConsole(console => (console.SingleLine, console.UseUtcTimestamp, console.TimestampFormat, console.ColorBehavior)
        = (true, true, "yyyy-MM-ddTHH:mm:ss.fffZ ", LoggerColorBehavior.Disabled)));

using var stop = new CancellationTokenSource();
int exitCode = ExitCodes.Done;
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using IDisposable fileSize = FileSizeSignal.Ignore();
try
{
    await using var node = new ConclaveNode(options, loggers, OnFatal);
    await node.StartAsync(stop.Token);
    await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    // Told to stop while it was still starting.
}
catch (StorageException problem)
{
    Console.Error.WriteLine($"conclave-node: {problem.Message}");
    return problem.Kind is StorageErrorKind.Locked or StorageErrorKind.NotWritable or StorageErrorKind.NoSpace ? ExitCodes.Unavailable : ExitCodes.Data;
}
catch (Exception problem) when (problem is TlsFileException or AuthKeyException or SecretsKeyException)
{
    Console.Error.WriteLine($"conclave-node: {problem.Message}");
    return ExitCodes.Usage;
}
catch (Exception problem) when (problem is PortUnavailableException or JoinRefusedException)
{
    Console.Error.WriteLine($"conclave-node: {problem.Message}");
    return ExitCodes.Unavailable;
}

return exitCode;

static IEnumerable<KeyValuePair<string, string>> EnvironmentOfProcess() =>
    Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(e => KeyValuePair.Create((string)e.Key, (string?)e.Value ?? ""));

void OnSignal(PosixSignalContext context)
{
    context.Cancel = true;   // we end in order instead
    stop.Cancel();
}

// A disk that failed or an invariant that broke leaves nothing to be saved: what was acknowledged is on the disks of a majority, and every
// further step on this state could only do harm. So the process ends here, without an orderly stop.
void OnFatal(Exception cause)
{
    if (cause is MemberRemovedException)
    {
        exitCode = ExitCodes.Removed;   // nothing is broken: we end in order
        Console.Error.WriteLine($"conclave-node: {cause.Message}");
        stop.Cancel();
        return;
    }

    Console.Error.WriteLine($"conclave-node: {cause.Message}");
    loggers.Dispose();   // lets the console logger write what it still holds
    Environment.Exit(cause is StorageException ? ExitCodes.Disk : ExitCodes.Software);
}
