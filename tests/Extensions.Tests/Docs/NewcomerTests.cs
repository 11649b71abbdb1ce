using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests.Docs;

/// <summary>What docs/dotnet.md shows is what is compiled here, and it runs.</summary>
public class NewcomerTests
{
    [Fact]
    public async Task The_example_of_the_documentation_is_this_one()
    {
        string folder = Path.GetDirectoryName(SourceFile())!;   // the compiler gives a full path
        string page = await File.ReadAllTextAsync(Path.Combine(folder, "../../../docs/dotnet.md"), TestContext.Current.CancellationToken);
        string[] blocks = [.. Blocks(await File.ReadAllLinesAsync(Path.Combine(folder, "Newcomer.cs"), TestContext.Current.CancellationToken))];
        Assert.Equal(2, blocks.Length);
        Assert.All(blocks, block => Assert.Contains(block, page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_example_of_the_documentation_runs()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        await node.PublishAsync(new V1.Change { Nodes = { new V1.NodeEdit { Node = "c17" } } });
        await node.SetAsync("nova", "libvirt/workers", "4");
        await node.SetAsync("nova", "libvirt/disks", """["vda","vdb"]""");
        string cache = Directory.CreateTempSubdirectory("conclave-ext-").FullName;
        using (IHost host = Newcomer.Build(["--cluster", node.Endpoint.OriginalString, "--cache", cache]))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            var options = host.Services.GetRequiredService<IOptionsMonitor<LibvirtOptions>>();
            Assert.Equal((4, "vda vdb"), (options.CurrentValue.Workers, string.Join(' ', options.CurrentValue.Disks)));
            await node.SetAsync("nova", "libvirt/workers", "8", "host=c17");
            await RunningNode.EventuallyAsync("the change is there", () => options.CurrentValue.Workers == 8);
            Assert.Equal(HealthStatus.Healthy, (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken)).Status);
            await RunningNode.EventuallyAsync("it is listed", async () => await Hosting.Hosts.KeyAsync(node, "conclave-live/default/nova-compute/c17") is not null);
            await RunningNode.EventuallyAsync("it leads", async () => await Hosting.Hosts.KeyAsync(node, "reaper/") is not null);
            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        Directory.Delete(cache, recursive: true);
    }

    private static string SourceFile([CallerFilePath] string path = "") => path;

    private static IEnumerable<string> Blocks(string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].TrimStart().StartsWith("// begin", StringComparison.Ordinal)) continue;
            string indent = lines[i][..^lines[i].TrimStart().Length];
            string[] block = [.. lines[(i + 1)..].TakeWhile(l => l.Trim() != "// end").Select(l => l.StartsWith(indent, StringComparison.Ordinal) ? l[indent.Length..] : l)];
            yield return string.Join('\n', block);
        }
    }
}
