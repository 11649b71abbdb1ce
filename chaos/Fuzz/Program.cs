using Conclave.Fuzz;
using Conclave.Fuzz.Engine;
using Conclave.Fuzz.Targets;

FuzzOptions options;
FuzzTarget[] targets;
try
{
    options = FuzzOptions.Parse(args);
    targets = AllTargets.Named(options.Targets);
}
catch (FormatException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 2;
}

if (options.Input is not null)
{
    if (targets.Length != 1)
    {
        Console.Error.WriteLine("--input needs one --target.");
        return 2;
    }

    var one = new Fuzzer(targets[0], options.Seed);
    one.Judge(File.ReadAllBytes(options.Input));
    Console.WriteLine(one.Findings.Count == 0 ? "It passes." : one.Findings[0].What);
    return one.Findings.Count == 0 ? 0 : 1;
}

return new FuzzSession(options, targets).Run() ? 0 : 1;
