using System.Diagnostics;
using System.Text;

namespace Conclave.Node.Tests.Http;

/// <summary>Clients that somebody else wrote. Skipped, with the command that installs them, where they are missing.</summary>
public class RealClientTests
{
    [Fact]
    public async Task Etcdctl_puts_gets_and_watches()
    {
        await using TestListener listener = await StartAsync();
        Assert.Equal("OK\n", await RunAsync("etcdctl", "etcd-client", [.. Etcdctl(listener), "put", "foo", "bär"]));
        Assert.Equal("foo\nbär\n", await RunAsync("etcdctl", "etcd-client", [.. Etcdctl(listener), "get", "foo"]));

        using Process watch = Start("etcdctl", "etcd-client", [.. Etcdctl(listener), "watch", "foo", "--", "sh", "-c", "echo seen $ETCD_WATCH_VALUE"]);
        try
        {
            string? line = null;
            Task<string?> seen = watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
            for (int attempt = 0; attempt < 100 && !seen.IsCompleted; attempt++)
                await RunAsync("etcdctl", "etcd-client", [.. Etcdctl(listener), "put", "foo", "1"]); // The watch begins when it begins.
            for (line = await seen; line is "PUT" or "foo" or "1" or ""; line = await watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)) { }
            Assert.Equal("seen \"1\"", line);
        }
        finally
        {
            watch.Kill();
        }
    }

    [Fact]
    public async Task Etcdctl_shows_the_text_of_an_error()
    {
        await using TestListener listener = await StartAsync();
        string output = await RunAsync("etcdctl", "etcd-client", [.. Etcdctl(listener), "get", ""], expectedExit: 1);
        Assert.Contains("etcdserver: key is not provided", output, StringComparison.Ordinal);
        output = await RunAsync("etcdctl", "etcd-client", [.. Etcdctl(listener), "del", "foo"], expectedExit: 1);
        Assert.Contains("unknown method DeleteRange for service etcdserverpb.KV", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python_and_grpc_core_put_get_and_watch()
    {
        const string script = """
            import sys, etcd3
            c = etcd3.client(host='127.0.0.1', port=int(sys.argv[1]))
            events, cancel = c.watch('foo')
            c.put('foo', 'x' * 100000)
            value, meta = c.get('foo')
            print(len(value), meta.version, len(next(events).value))
            cancel()
            """;
        await using TestListener listener = await StartAsync();
        string installed = await RunAsync("/usr/bin/python3", "python3", ["-c", "import importlib.util as u; print(u.find_spec('etcd3') is not None)"]);
        Assert.SkipUnless(installed == "True\n", "python3-etcd3 is not installed: apt-get install python3-etcd3");
        string output = await RunAsync("/usr/bin/python3", "python3", ["-c", script, $"{listener.EndPoint.Port}"]);
        Assert.Equal("100000 1 100000\n", output);
    }

    [Fact]
    public async Task Curl_speaks_to_the_gateway()
    {
        await using TestListener listener = await StartAsync();
        string[] post = ["-sS", "--max-time", "10", "-X", "POST"];
        Assert.Equal(
            """{"header":{"cluster_id":"18446744073709551615","member_id":"2","revision":"2","raft_term":"2"}}""",
            await RunAsync("curl", "curl", [.. post, $"{listener.Address}v3/kv/put", "-d", """{"key":"Zm9v","value":"YmFy"}"""]));
        Assert.Contains(
            """:[{"key":"Zm9v","create_revision":"2","mod_revision":"2","version":"1","value":"YmFy"}],"count":"1"}""",
            await RunAsync("curl", "curl", [.. post, "--http2-prior-knowledge", $"{listener.Address}v3/kv/range", "-d", """{"key":"Zm9v"}"""]), StringComparison.Ordinal);
    }

    private static Task<TestListener> StartAsync() => TestListener.StartAsync(new FakeKv().AddTo);

    private static string[] Etcdctl(TestListener listener) => ["--endpoints", $"{listener.EndPoint}"];

    private static async Task<string> RunAsync(string program, string package, string[] arguments, int expectedExit = 0)
    {
        using Process process = Start(program, package, arguments);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token), error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == expectedExit, $"{program} ended with {process.ExitCode}: {await output}{await error}");
        return expectedExit == 0 ? await output : await output + await error;
    }

    private static Process Start(string program, string package, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["ETCDCTL_API"] = "3";
        try
        {
            return Process.Start(start)!; // Not null: no shell is involved.
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed: apt-get install {package}");
            throw;
        }
    }
}
