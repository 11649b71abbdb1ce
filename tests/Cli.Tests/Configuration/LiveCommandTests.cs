using System.Text.Json;
using Conclave.Extensions.Tests;

namespace Conclave.Cli.Tests.Configuration;

public class LiveCommandTests(SharedNode shared)
{
    [Fact]
    public async Task Who_registers_is_listed_and_reaches_documents_until_it_stops()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "live-list");
        await shell.DoneAsync("set", "nova", "DEFAULT/mq", "mq://%{live:mq|nobody}/", "-m", "whoever is there");
        await shell.EndsAsync(1, "live", "list");

        await using Running one = shell.Shell.Start("live", "register", "mq", "m1", "10.0.0.1:5672");
        Assert.Equal("conclave-live/live-list/mq/m1", await one.LineAsync("conclave-live/"));
        await using Running two = shell.Shell.Start("live", "register", "other", "o1", "10.0.0.9", "--ttl", "20s");
        await two.LineAsync("conclave-live/");

        JsonElement[] all = [.. (await shell.JsonAsync(0, "live", "list")).GetProperty("members").EnumerateArray()];
        Assert.Equal(["mq m1 10.0.0.1:5672", "other o1 10.0.0.9"], all.Select(m => $"{m.GetProperty("service")} {m.GetProperty("instance")} {m.GetProperty("address")}"));
        Assert.Equal("---\nmembers:\n  -\n    service: \"mq\"\n    instance: \"m1\"\n    address: \"10.0.0.1:5672\"\n", await shell.DoneAsync("live", "list", "mq", "-o", "yaml"));
        Assert.Equal("[members.0]\nservice = mq\ninstance = m1\naddress = 10.0.0.1:5672\n", await shell.DoneAsync("live", "list", "mq", "-o", "ini"));
        Assert.Contains("10.0.0.1:5672", await shell.DoneAsync("live", "list", "mq"), StringComparison.Ordinal);
        Assert.DoesNotContain("10.0.0.9", await shell.DoneAsync("live", "list", "mq"), StringComparison.Ordinal);
        await ShowsAsync(shell, "10.0.0.1:5672");

        Assert.Equal(0, await one.StopAsync());
        await shell.EndsAsync(1, "live", "list", "mq");
        await ShowsAsync(shell, "nobody");
    }

    [Fact]
    public async Task A_program_is_registered_as_long_as_it_runs_and_its_exit_code_is_passed_on()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "live-program");
        string directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;
        Running program = shell.Shell.Start("live", "register", "svc", "c17", "10.0.0.7", "--", "/bin/sh", "-c", $"while [ ! -e {directory}/go ]; do sleep 0.05; done; exit 5");
        await RunningNode.EventuallyAsync("it is listed", async () => (await shell.RunAsync("live", "list", "svc")).Code == 0);
        await File.WriteAllTextAsync($"{directory}/go", "", TestContext.Current.CancellationToken);
        Assert.Equal(5, await program.EndAsync());
        await shell.EndsAsync(1, "live", "list", "svc");
        await program.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    private static Task ShowsAsync(ConfigShell shell, string address) => RunningNode.EventuallyAsync($"the document has {address}", async () =>
        (await shell.RunAsync("render", "c17", "nova")).Out.Contains($"mq = mq://{address}/\n", StringComparison.Ordinal));
}
