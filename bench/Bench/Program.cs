using Conclave.Bench;
using Conclave.Bench.Cases;
using Conclave.Bench.Crowd;
using Conclave.Bench.Overload;
using Conclave.Bench.Reports;
using Conclave.Bench.Snapshots;
using Conclave.Processes.Servers;

if (args is ["watchers", .. string[] rest])
    return await CrowdRun.MainAsync(rest);
if (args is ["overload", .. string[] more])
    return await OverloadRun.MainAsync(more);
if (args is ["snapshots", .. string[] large])
    return await SnapshotRun.MainAsync(large);

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine($"{e.Message}\n\n{BenchOptions.Usage}");
    return 2;
}
if (options.List)
{
    foreach (BenchCase each in (BenchCase[])[.. AllCases.Shared, .. AllCases.Own])
        Console.WriteLine($"{each.Name,-24}{each.Description}\n{string.Join('\n', each.Guards.Select(guard => $"    guards {guard}"))}");
    return 0;
}

List<ServerKind> present = [];
foreach (ServerKind kind in options.Kinds)
{
    if (ServerBinary.TryFind(kind, out _, out string remedy))
        present.Add(kind);
    else
        Console.Error.WriteLine($"Without {kind}: {remedy}");
}
options = options with { Kinds = present };

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
var report = new Report();
await new BenchRunner(options, report).RunAsync(stop.Token);
Console.WriteLine(ReportTable.Write(report));
if (options.JsonPath is { } path)
    await File.WriteAllTextAsync(path, ReportJson.Write(report, options));
return 0;
