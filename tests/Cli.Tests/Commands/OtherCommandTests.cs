using System.Text.Json;

namespace Conclave.Cli.Tests.Commands;

public class OtherCommandTests(SharedEtcd etcd)
{
    [Fact]
    public async Task A_lease_is_granted_looked_at_renewed_and_ended()
    {
        Shell shell = etcd.Shell;
        Answer granted = await shell.RunAsync("lease", "grant", "60");
        Assert.Matches("^lease [0-9a-f]{16} granted with TTL\\(60s\\)\n$", granted.Out);
        string id = granted.Out.Split(' ')[1];
        await shell.RunAsync("put", "leased/a", "1", "--lease", id);

        Assert.Contains(id, (await shell.RunAsync("lease", "list")).Out, StringComparison.Ordinal);
        Assert.Matches($"^lease {id} granted with TTL\\(60s\\), remaining\\(\\d+s\\)\nkey\tleased/a\n$", (await shell.RunAsync("lease", "timetolive", id, "--keys")).Out);
        Assert.Equal($"lease {id} keepalived with TTL(60)\n", (await shell.RunAsync("lease", "keep-alive", id, "--once")).Out);
        Assert.Equal(0, (await shell.RunAsync("lease", "revoke", id)).Code);
        foreach (string[] command in (string[][])[["lease", "revoke", id], ["lease", "timetolive", id], ["lease", "keep-alive", id], ["get", "leased/a"]])
            Assert.Equal(1, (await shell.RunAsync(command)).Code);
    }

    [Fact]
    public async Task A_lease_id_in_use_is_a_conflict()
    {
        Shell shell = etcd.Shell;
        Assert.Equal(0, (await shell.RunAsync("lease", "grant", "60", "--id", "c0ffee")).Code);
        Assert.Equal(4, (await shell.RunAsync("lease", "grant", "60", "--id", "c0ffee")).Code);
    }

    [Fact]
    public async Task A_transaction_reads_lines_and_tells_which_branch_ran()
    {
        Shell shell = etcd.Shell;
        const string Text = "version(\"txncli/a\") = \"0\"\n\nput txncli/a \"first one\"\n\nget txncli/a\ndel txncli/a --prev-kv\n";

        Assert.Equal(new Answer(0, "SUCCESS\nput\tOK\n", ""), await shell.SendAsync(Text, "txn"));
        Assert.Equal(new Answer(1, "FAILURE\nget\t1\n\ttxncli/a\tfirst one\ndel\t1\n\ttxncli/a\tfirst one\n", ""), await shell.SendAsync(Text, "txn"));
    }

    [Fact]
    public async Task A_transaction_reads_and_writes_json()
    {
        Shell shell = etcd.Shell;
        const string Text = """{ "success": [ { "op": "put", "key": "txnjson/a", "value": "1" }, { "op": "get", "key": "txnjson/a" } ] }""";

        JsonElement result = JsonDocument.Parse((await shell.SendAsync(Text, "txn", "-o", "json")).Out).RootElement;

        Assert.True(result.GetProperty("succeeded").GetBoolean());
        Assert.Equal(["put", "get"], result.GetProperty("responses").EnumerateArray().Select(step => step.GetProperty("op").GetString()));
    }

    [Fact]
    public async Task A_transaction_that_cannot_be_read_is_not_sent()
    {
        Answer answer = await new Shell("127.0.0.1:1").SendAsync("mod(a) = x\n", "txn");

        Assert.Equal(2, answer.Code);
        Assert.StartsWith("conclave: line 1: \"x\" is not a number.\n  Nothing was sent.", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_tells_each_members_role_and_who_is_down()
    {
        Shell shell = etcd.Shell;
        string dead = $"127.0.0.1:{Shell.Ports.Take()}";

        Answer alive = await shell.RunAsync("status", "--cluster");
        Answer half = await shell.RunAsync("status", "--endpoints", $"{alive.Out.Split('\t')[0]},{dead}");

        Assert.Equal((0, "leader"), (alive.Code, alive.Out.Split('\t')[3]));
        Assert.Equal(1, half.Code);
        Assert.Contains($"{dead}\t\t\tdown", half.Out, StringComparison.Ordinal);
        Assert.Equal(6, (await shell.RunAsync("status", "--endpoints", dead)).Code);
        Assert.True(JsonDocument.Parse((await shell.RunAsync("status", "-o", "json")).Out).RootElement.GetProperty("up").GetBoolean());
    }

    [Fact]
    public async Task Members_are_listed()
    {
        Shell shell = etcd.Shell;

        string[] columns = (await shell.RunAsync("member", "list")).Out.TrimEnd().Split('\t');
        JsonElement json = JsonDocument.Parse((await shell.RunAsync("member", "list", "-o", "json")).Out).RootElement;

        Assert.Equal(("started", "m1", "false"), (columns[1], columns[2], columns[5]));
        Assert.Equal(columns[0], json.GetProperty("members")[0].GetProperty("id").GetString());
    }
}
