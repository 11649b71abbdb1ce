using System.Text.Json;

namespace Conclave.Cli.Tests.Commands;

public sealed class SemaphoreCommandTests(SharedEtcd etcd) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task So_many_hold_at_a_time_and_the_next_one_comes_when_one_goes()
    {
        Shell shell = etcd.Shell;
        await using Running first = shell.Start("sem", "cli/sem/a", "-n", "2");
        string key = await first.LineAsync("cli/sem/a/");
        Assert.Matches("^fencing token [0-9]+$", await first.LineAsync("fencing token"));
        await using Running second = shell.Start("sem", "cli/sem/a", "-n", "2");
        await second.LineAsync("fencing token");

        Answer full = await shell.RunAsync("sem", "cli/sem/a", "-n", "2", "--try", "--", "true");
        Assert.Equal(1, full.Code);
        Assert.Contains("All 2 slots of cli/sem/a are held by others.", full.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await shell.RunAsync("sem", "cli/sem/a", "-n", "2", "--timeout", "200ms", "--", "true")).Code);

        Running third = shell.Start("sem", "cli/sem/a", "-n", "2", "--", "/bin/sh", "-c", $"echo $CONCLAVE_LOCK_KEY > {_directory}/said; exit 7");
        Assert.Equal(0, await first.StopAsync());
        Assert.Equal(7, await third.EndAsync());
        Assert.StartsWith("cli/sem/a/", await File.ReadAllTextAsync($"{_directory}/said", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(1, (await shell.RunAsync("get", key)).Code);
        await third.DisposeAsync();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("10001")]
    public async Task A_number_of_slots_that_cannot_be_is_refused(string slots)
    {
        Answer answer = await etcd.Shell.RunAsync("sem", "cli/sem/b", "-n", slots, "--", "true");
        Assert.Equal(2, answer.Code);
        Assert.Contains("-n is 1 to 10000.", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_json_it_says_what_is_held()
    {
        await using Running holder = etcd.Shell.Start("sem", "cli/sem/c", "-n", "1", "-o", "json");
        using JsonDocument said = JsonDocument.Parse(await holder.LineAsync("{"));
        Assert.StartsWith("cli/sem/c/", said.RootElement.GetProperty("key").GetString(), StringComparison.Ordinal);
        Assert.True(said.RootElement.GetProperty("fencing_token").GetInt64() > 0);
    }
}
