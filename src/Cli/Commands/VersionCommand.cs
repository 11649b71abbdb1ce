using System.CommandLine;
using Conclave.Cli.Output;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave version</c>: this program's version, without asking anybody.</summary>
internal sealed class VersionCommand : Command
{
    private const string ApiVersion = "3.6";

    public VersionCommand(Terminal terminal, ClusterOptions cluster) : base("version", "Print the version of this program and of the etcd API it speaks.") =>
        SetAction((parsed, _) =>
        {
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    json.WriteString("version", Text);
                    json.WriteString("etcd_api", ApiVersion);
                });
            }
            else terminal.Out.WriteLine($"conclave {Text}\netcd API {ApiVersion}");

            return Task.FromResult(ExitCode.Done);
        });

    /// <summary>Version of this program, x.y.z.</summary>
    public static string Text { get; } = typeof(VersionCommand).Assembly.GetName().Version?.ToString(3) ?? "unknown";
}
