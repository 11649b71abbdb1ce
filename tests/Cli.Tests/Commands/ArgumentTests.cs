using Conclave.Cli.Commands;

namespace Conclave.Cli.Tests.Commands;

public class ArgumentTests
{
    [Theory]
    [InlineData("5s", 5000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5m", 90_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("3", 3000)]
    public void Times_are_read_as_people_write_them(string text, int milliseconds)
    {
        Assert.True(Duration.TryParse(text, out TimeSpan time));
        Assert.Equal(milliseconds, time.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0s")]
    [InlineData("-1s")]
    [InlineData("5 s")]
    [InlineData("5d")]
    [InlineData("ms")]
    [InlineData("99999h")]
    public void Anything_else_is_no_time(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("694d81417acd4759", 0x694d81417acd4759)]
    [InlineData("0x4d2", 1234)]
    [InlineData("4d2", 1234)]
    public void Lease_ids_are_hexadecimal(string text, long id)
    {
        Assert.True(LeaseId.TryParse(text, out long parsed));
        Assert.Equal(id, parsed);
    }

    [Theory]
    [InlineData("gett", "get")]
    [InlineData("stauts", "status")]
    [InlineData("mmber", "member")]
    [InlineData("xyzzy", null)]
    public void A_misspelt_word_finds_the_one_that_was_meant(string word, string? meant) =>
        Assert.Equal(meant, Nearest.Of(word, ["get", "put", "status", "member", "watch"]));

    [Theory]
    [InlineData("get")]
    [InlineData("get", "a", "b", "--prefix")]
    [InlineData("get", "a", "--prefix", "--from-key")]
    [InlineData("get", "a", "--limit", "-1")]
    [InlineData("get", "a", "--order", "SIDEWAYS")]
    [InlineData("get", "")]
    [InlineData("gett", "a")]
    [InlineData("del", "--prefx", "a")]
    [InlineData("put", "a", "-1")]
    [InlineData("put", "", "x")]
    [InlineData("put", "a", "b", "--lease", "xyz")]
    [InlineData("lease", "grant", "0")]
    [InlineData("lease")]
    [InlineData("get", "a", "--command-timeout", "soon")]
    [InlineData("get", "a", "--endpoints", "ftp://x")]
    [InlineData("get", "a", "--cacert", "/does/not/exist")]
    [InlineData("up", "--nodes", "2")]
    [InlineData("set", "nova", "k", "v", "--scope", "", "-m", "why")]   // "$SCOPE" of a script that did not set it
    [InlineData("unset", "nova", "k", "--scope", " ", "-m", "why")]
    [InlineData("set", "nova", "", "v", "-m", "why")]
    [InlineData("set", "nova", "k", "a\uFFFDb", "-m", "why")]   // as the runtime hands on bytes that are no UTF-8
    [InlineData("put", "k\uFFFD", "v")]
    [InlineData("up", "--port", "65535")]
    [InlineData]
    public async Task A_wrong_command_line_is_refused_before_anything_is_sent(params string[] arguments)
    {
        Answer answer = await new Shell("127.0.0.1:1").RunAsync(arguments);

        Assert.Equal(2, answer.Code);
        Assert.True(arguments.Length == 0 || answer.Error.StartsWith("conclave: ", StringComparison.Ordinal), answer.Error);
    }

    [Theory]
    [InlineData("Missing: key, value", "set", "nova")]
    [InlineData("Missing: NODE DOCUMENT [KEY...]", "show")]
    [InlineData("draft is followed by one of: list, show, rebase, drop.", "draft")]
    [InlineData("Option '--document' is required.", "import", "oslo-config", "f")]
    [InlineData("--op \"foo\" is none of: set, append, remove, final.", "set", "nova", "k", "v", "-m", "why", "--op", "foo")]
    [InlineData("--output \"xml\" is none of: table, text, json, yaml, ini.", "log", "-o", "xml")]
    [InlineData("--limit \"x\" is no whole number, or too large for one.", "log", "--limit", "x")]
    [InlineData("weight \"99999999999\" is no whole number, or too large for one.", "dims", "weight", "a=b", "99999999999", "-m", "why")]
    [InlineData("Endpoint \"foo bar\" is not an address; write http://host:port, https://host:port or host:port.", "log", "--endpoints", "foo bar")]
    [InlineData("The scope is empty. Write * for all nodes, or dimension=value.", "rm", "nova", "k", "--scope", "", "-m", "why")]
    [InlineData("Word 3 of the command line has bytes that are no UTF-8.", "put", "k", "a\uFFFD")]
    public async Task What_is_wrong_with_a_command_line_is_named(string what, params string[] arguments)
    {
        Answer answer = await new Shell("127.0.0.1:1").RunAsync(arguments);

        Assert.Equal(2, answer.Code);
        string first = answer.Error.Split('\n')[0];
        Assert.StartsWith($"conclave: {what}", first, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("get", "--help")]
    [InlineData("txn", "-h")]
    [InlineData("up", "--help")]
    [InlineData("--version")]
    [InlineData("version")]
    [InlineData("version", "-o", "json")]
    public async Task Help_and_version_need_no_cluster(params string[] arguments)
    {
        Answer answer = await new Shell("127.0.0.1:1").RunAsync(arguments);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.NotEmpty(answer.Out);
    }
}
