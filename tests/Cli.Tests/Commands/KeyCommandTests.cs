using System.Text.Json;

namespace Conclave.Cli.Tests.Commands;

public class KeyCommandTests(SharedEtcd etcd)
{
    [Fact]
    public async Task A_key_is_put_read_and_deleted_with_exit_codes_that_tell()
    {
        Shell shell = etcd.Shell;

        Assert.StartsWith("OK revision ", (await shell.RunAsync("put", "cli/a", "1")).Out, StringComparison.Ordinal);
        Assert.Equal(new Answer(0, "1\n", ""), await shell.RunAsync("get", "cli/a"));
        Assert.Contains("previous\tcli/a\t1", (await shell.RunAsync("put", "cli/a", "2", "--prev-kv")).Out, StringComparison.Ordinal);
        Assert.Matches("^deleted 1 revision \\d+\nprevious\tcli/a\t2\n$", (await shell.RunAsync("del", "cli/a", "--prev-kv")).Out);
        Assert.Equal(1, (await shell.RunAsync("del", "cli/a")).Code);
        Answer missing = await shell.RunAsync("get", "cli/a");
        Assert.Equal((1, ""), (missing.Code, missing.Out));
        Assert.StartsWith("conclave: cli/a does not exist at revision ", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_are_lines_for_scripts_and_columns_for_people()
    {
        Shell shell = etcd.Shell;
        await shell.RunAsync("put", "list/a", "1");
        await shell.RunAsync("put", "list/bb", "two\nlines");

        Assert.Equal("list/a\t1\nlist/bb\ttwo\\nlines\n", (await shell.RunAsync("get", "list/", "--prefix")).Out);
        Assert.Equal("KEY      VALUE\nlist/a   1\nlist/bb  two\\nlines\n", (await shell.ShowAsync("get", "list/", "--prefix")).Out);
        Assert.Equal("list/bb\nlist/a\n", (await shell.RunAsync("get", "list/", "--prefix", "--keys-only", "--order", "DESCEND")).Out);
        Assert.Equal("2\n", (await shell.RunAsync("get", "list/a", "list/c", "--count-only")).Out);
        Assert.Equal("two\nlines\n", (await shell.RunAsync("get", "list/bb", "--print-value-only", "--consistency", "s")).Out);
        Answer cut = await shell.RunAsync("get", "list/", "--prefix", "--limit", "1");
        Assert.Equal("list/a\t1\n", cut.Out);
        Assert.StartsWith("1 of 2 keys", cut.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_has_the_documented_shape()
    {
        Shell shell = etcd.Shell;
        await shell.RunAsync("put", "json/a", "1");

        JsonElement found = Json(await shell.RunAsync("get", "json/a", "-o", "json"));

        Assert.Equal(["header", "count", "more", "kvs"], found.EnumerateObject().Select(member => member.Name));
        Assert.Equal(["cluster_id", "member_id", "revision", "raft_term"], found.GetProperty("header").EnumerateObject().Select(member => member.Name));
        JsonElement item = found.GetProperty("kvs")[0];
        Assert.Equal(["key", "value", "create_revision", "mod_revision", "version"], item.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("json/a", "1", 1), (item.GetProperty("key").GetString(), item.GetProperty("value").GetString(), item.GetProperty("version").GetInt64()));
    }

    [Fact]
    public async Task A_value_comes_from_standard_input_byte_by_byte()
    {
        Shell shell = etcd.Shell;

        await shell.SendAsync("two\nlines\n", "put", "input/a");

        Assert.Equal("two\nlines\n\n", (await shell.RunAsync("get", "input/a")).Out);
        Assert.Equal("two\nlines\n", Json(await shell.RunAsync("get", "input/a", "-o", "json")).GetProperty("kvs")[0].GetProperty("value").GetString());
    }

    [Fact]
    public async Task An_old_revision_can_be_read_and_one_to_come_cannot()
    {
        Shell shell = etcd.Shell;
        long revision = Json(await shell.RunAsync("put", "rev/a", "old", "-o", "json")).GetProperty("header").GetProperty("revision").GetInt64();
        await shell.RunAsync("put", "rev/a", "new");

        Assert.Equal("old\n", (await shell.RunAsync("get", "rev/a", "--rev", $"{revision}")).Out);
        Answer future = await shell.RunAsync("get", "rev/a", "--rev", "999999999");
        Assert.Equal(3, future.Code);
        Assert.StartsWith("conclave: etcdserver: mvcc: required revision is a future revision\n  ", future.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_the_error_says_where_to_look_and_that_repeating_is_safe()
    {
        string endpoint = $"127.0.0.1:{Shell.Ports.Take()}";

        Answer answer = await new Shell(endpoint).RunAsync("put", "a", "1", "--command-timeout", "500ms");

        Assert.Equal((6, ""), (answer.Code, answer.Out));
        Assert.StartsWith($"conclave: Cannot connect to {endpoint}", answer.Error, StringComparison.Ordinal);
        Assert.Contains("--endpoints", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_prints_changes_and_ends_well_when_stopped()
    {
        Shell shell = etcd.Shell;
        long revision = Json(await shell.RunAsync("put", "watched/a", "1", "-o", "json")).GetProperty("header").GetProperty("revision").GetInt64();
        await using Running watch = shell.Start("watch", "watched/", "--prefix", "--rev", $"{revision}", "--prev-kv");
        Assert.Equal($"{revision}\tPUT\twatched/a\t1", await watch.LineAsync(""));

        await shell.RunAsync("del", "watched/a");

        Assert.EndsWith("\tDELETE\twatched/a", await watch.LineAsync(""), StringComparison.Ordinal);
        Assert.Equal($"{revision}\tPREVIOUS\twatched/a\t1", await watch.LineAsync(""));
        Assert.Equal(0, await watch.StopAsync());
    }

    [Fact]
    public async Task A_watch_speaks_json_a_line_per_change()
    {
        Shell shell = etcd.Shell;
        long revision = Json(await shell.RunAsync("put", "watchedjson", "1", "-o", "json")).GetProperty("header").GetProperty("revision").GetInt64();
        await using Running watch = shell.Start("watch", "watchedjson", "--rev", $"{revision}", "-o", "json");

        JsonElement change = JsonDocument.Parse(await watch.LineAsync("")).RootElement;

        Assert.Equal(("PUT", revision, "1"), (change.GetProperty("type").GetString(), change.GetProperty("revision").GetInt64(), change.GetProperty("kv").GetProperty("value").GetString()));
    }

    private static JsonElement Json(Answer answer) => JsonDocument.Parse(answer.Out).RootElement;
}
