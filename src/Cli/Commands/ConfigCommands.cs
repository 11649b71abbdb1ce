using System.CommandLine;
using Conclave.Cli.Output;

namespace Conclave.Cli.Commands;

/// <summary>The commands for layered configuration. Those whose names are taken by commands for keys are below <c>config</c>.</summary>
internal static class ConfigCommands
{
    public static IEnumerable<Command> All(Terminal terminal, ClusterOptions cluster)
    {
        var options = new ConfigOptions(terminal, cluster);
        var change = new ConfigChangeCommands(options);
        var read = new ConfigReadCommands(options);
        var release = new ConfigReleaseCommands(options);
        var model = new ConfigModelCommands(options);
        var files = new ConfigFileCommands(options);
        return
        [
            read.Show(), read.Explain(), read.Compare(), read.Grep(), read.WhoUses(), new ConfigDocumentsCommand(options).Create(), read.Render(), new FleetCommand(options).Create(),
            change.Set(), change.Unset(), change.Remove(), release.Plan(), release.Publish(), release.Rollback(), release.Log(), release.Diff(), release.Draft(), new RolloutCommand(options).Create(),
            model.Node(), model.Dimensions(), model.Schema(), files.Import(), files.Export(), files.Apply(), new ConfigEditCommand(options).Command(), new ConfigLintCommand(options).Command(),
            new SecretCommands(options).All(), new KeygenCommand(terminal).Run(), new LiveCommands(options).All(),
            new Command("config", "Commands for layered configuration whose names commands for keys have.") { read.Watch() },
        ];
    }
}
