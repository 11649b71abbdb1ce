using Conclave.Exhaustive;

// exhaustive [--nodes N] [--terms N] ... [--prologue TEXT] [--fault NAME]     every state within the bounds; the options are those of Bounds
// exhaustive mutations [NAME]                                                  the shortest way to notice each deliberate bug of the core
var options = new Dictionary<string, string>();
for (int i = 0; i < args.Length; i++)
{
    if (!args[i].StartsWith("--", StringComparison.Ordinal)) continue;
    bool hasValue = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
    options[args[i]] = hasValue ? args[i + 1] : "";
}
try
{
    if (args.FirstOrDefault() == "mutations") return Mutations.Run(Console.Out, args.Length > 1 ? args[1] : null);
    return Report.Run(new Bounds().With(options), Console.Out);
}
catch (ArgumentException wrong)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}
