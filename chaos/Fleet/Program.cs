using Conclave.FleetDemo;

DemoOptions options;
try
{
    options = DemoOptions.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\n\n{DemoOptions.Usage}");
    return 2;
}

string directory = options.Directory ?? Directory.CreateTempSubdirectory("conclave-fleet-").FullName;
Directory.CreateDirectory(directory);
try
{
    Console.WriteLine(await new FleetRun(options, directory, Console.Error.WriteLine).RunAsync());
    if (options.Directory is null) Directory.Delete(directory, recursive: true);
    return 0;
}
catch (DemoFailedException e)
{
    Console.Error.WriteLine($"failed: {e.Message}\nEverything is kept in {directory}.");
    return 1;
}
