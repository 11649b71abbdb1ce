using System.Text;
using Conclave.Client;
using Conclave.Extensions.Tests;
using Conclave.Layers;
using Conclave.Layers.Import;

namespace Conclave.Cli.Tests.Configuration;

public class EtcdImportTests(SharedNode shared, SharedEtcd etcd)
{
    [Fact]
    public async Task The_keys_of_a_real_etcd_become_a_document()
    {
        string from = etcd.Endpoint;
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "etcd-import");
        await using ConclaveClient client = new(from);
        for (int i = 0; i < 450; i++) await client.PutAsync($"/import/a/many/k{i:000}", $"{i}", cancellationToken: TestContext.Current.CancellationToken);   // three pages
        await client.PutAsync("/import/a/DEFAULT/debug", "true", cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/a/DEFAULT/literal", "100 %{key:nothing}", cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/abc/DEFAULT/other", "x", cancellationToken: TestContext.Current.CancellationToken);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromMinutes(5), cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/a/live/me", "here", new PutOptions { LeaseId = lease.Id }, TestContext.Current.CancellationToken);

        Answer done = await shell.RunAsync("import", "etcd", "--from", from, "--prefix", "/import/a", "--document", "nova", "--scope", "region=eu", "-m", "from etcd");

        Assert.True(done.Code == 0, done.Error);
        Assert.StartsWith($"452 keys of {new Uri(from).Authority} at revision ", done.Out, StringComparison.Ordinal);
        Assert.Contains("warning W_SKIPPED /import/a/live/me has a lease", done.Error, StringComparison.Ordinal);
        string[] lines = (await shell.DoneAsync("show", "c17", "nova")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(452, lines.Length);
        Assert.StartsWith("DEFAULT/debug\t\"true\"\tregion=eu", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("DEFAULT/literal\t\"100 %{key:nothing}\"", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("many/k449\t\"449\"", lines[^1], StringComparison.Ordinal);
        await shell.EndsAsync(1, "show", "c18", "nova");

        await shell.DoneAsync("import", "etcd", "--from", from, "--prefix", "/import/a/many", "--document", "glance", "--json", "--draft", "d");
        await shell.EndsAsync(1, "show", "c17", "glance");
        await shell.DoneAsync("publish", "d", "-m", "x");
        Assert.StartsWith("k449\t449\t*", await shell.DoneAsync("show", "c17", "glance", "k449"), StringComparison.Ordinal);
        await shell.EndsAsync(1, "import", "etcd", "--from", from, "--prefix", "/import/nothing", "--document", "glance", "-m", "x");
        await shell.EndsAsync(6, "import", "etcd", "--from", RunningNode.FreeUrl().OriginalString, "--prefix", "/import", "--document", "glance", "-m", "x", "--command-timeout", "500ms");
    }

    [Fact]
    public async Task Bad_names_are_all_listed_and_nothing_is_changed()
    {
        string from = etcd.Endpoint;
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "etcd-bad");
        await using ConclaveClient client = new(from);
        await client.PutAsync("/import/b/fine", "1", cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/b/a//b", "1", cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/b/new\nline", "1", cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync("/import/b/binary", new byte[] { 0xFF }, cancellationToken: TestContext.Current.CancellationToken);
        await client.PutAsync((byte[])[.. "/import/b/"u8, 0xFE], "1", cancellationToken: TestContext.Current.CancellationToken);

        Answer refused = await shell.RunAsync("import", "etcd", "--from", from, "--prefix", "/import/b/", "--document", "nova", "-m", "from etcd");

        Assert.Equal(3, refused.Code);
        Assert.Equal(4, refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All((string[])["/import/b/a//b has an empty part", "new\\u000aline", "/import/b/binary: the value is no UTF-8 text", "is no UTF-8 text, or not below"], text => Assert.Contains(text, refused.Error, StringComparison.Ordinal));
        Assert.Equal("", refused.Out);
        await shell.EndsAsync(1, "show", "c17", "nova");
        Assert.Equal(3, (await shell.JsonAsync(0, "log")).GetProperty("head").GetInt64());
    }

    [Theory]
    [InlineData("", "a/b", "a/b")]
    [InlineData("/", "/a/b", "a/b")]
    [InlineData("/x", "/x/a/b", "a/b")]
    [InlineData("/x/", "/x/a", "a")]
    [InlineData("/x", "/xy/a", null)]
    [InlineData("/x", "/x", null)]
    [InlineData("/x", "/x/", null)]
    [InlineData("", "/a", null)]
    [InlineData("/x", "/x/a/", null)]
    public void The_prefix_is_a_directory(string prefix, string key, string? expected)
    {
        ImportResult result = EtcdImport.Run([new EtcdItem(Encoding.UTF8.GetBytes(key), "v"u8.ToArray(), HasLease: false)], prefix, "nova", Scope.Everything, json: false);

        Assert.Equal(expected is null ? [] : [expected], result.Edits.Cast<EntryEdit>().Select(e => e.Key));
        Assert.Equal(expected is null, result.Problems.Any(p => p.IsError));
    }
}
