using Conclave.ConfigBench;

// Guards docs/performance.md, "Configuration for 10,000 hosts". Three real members, one process with all the agents.
var options = new Dictionary<string, string>();
for (int i = 0; i + 1 < args.Length; i += 2)
    options[args[i]] = args[i + 1];
int hosts = int.Parse(options.GetValueOrDefault("--hosts", "10000"), System.Globalization.CultureInfo.InvariantCulture);
int rounds = int.Parse(options.GetValueOrDefault("--rounds", "5"), System.Globalization.CultureInfo.InvariantCulture);
int[] releases = [.. options.GetValueOrDefault("--releases", "1000,10000").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];
string only = options.GetValueOrDefault("--only", "");
if (only is "" or "fleet")
    await FleetRun.RunAsync(hosts, rounds).ConfigureAwait(false);
if (only is "" or "rollout")
    await RolloutRun.RunAsync(hosts).ConfigureAwait(false);
if (only is "" or "start")
    await StartRun.RunAsync(releases).ConfigureAwait(false);
