using System.Collections.Immutable;
using Conclave.Layers.Rendering;

namespace Conclave.Agent.Tests.Options;

public class AgentConfigFileTests
{
    private const string Example = """
        [agent]
        endpoints = https://ctl1:7443,https://ctl2:7443,https://ctl3:7443
        node = c17
        tls_cert = /etc/conclave/c17.pem
        tls_key = /etc/conclave/c17.key
        tls_ca = /etc/conclave/ca.pem
        state_dir = /var/lib/conclave-agent
        offline_start = last_good
        drift = report
        max_shrink = 20%
        fact.rack = 12
        fact.name = a b
        [file nova]
        doc = nova
        path = /etc/nova/nova.conf.d/50-conclave.conf
        format = oslo-ini
        owner = root:nova
        mode = 0640
        check = oslo-config-validator --opt-data /etc/conclave/nova.yaml --input-file {new}
        group = nova-compute
        [group nova-compute]
        live = signal HUP unit nova-compute.service
        restart = systemctl restart nova-compute.service
        restart_slots = nova-compute 5%
        settle = 2s..30s
        splay = 60s
        timeout = 90s
        verify = live nova-compute within 60s
        on_fail = restore
        """;

    [Fact]
    public void A_whole_file_is_read()
    {
        AgentOptions options = AgentConfigFile.Parse(Example, _ => "", out ImmutableArray<string> problems);
        Assert.Empty(problems);
        Assert.Equal((3, "c17", "/etc/conclave/c17.key", "12", "\"a b\""), (options.Endpoints.Length, options.Node, options.TlsKey, options.Facts["rack"], options.Facts["name"]));
        FileOptions file = Assert.Single(options.Files);
        Assert.Equal(("nova", "root", "nova", RenderFormat.OsloIni, "nova-compute", 0.2, DriftMode.Report), (file.Document, file.User, file.UserGroup, file.Format, file.Group, file.ShrinkMax, file.Drift));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, file.Mode);
        Assert.Equal("{new}", file.Check[^1]);
        GroupOptions group = Assert.Single(options.Groups);
        Assert.Equal(["systemctl", "kill", "--kill-who=main", "--signal=1", "nova-compute.service"], group.Live!.Command);
        Assert.Equal(new SlotsOptions("nova-compute", 5, true), group.RestartSlots);
        Assert.Equal((2, 30, 60, 90, 60), (group.SettleMin.TotalSeconds, group.SettleMax.TotalSeconds, group.Splay.TotalSeconds, group.Timeout.TotalSeconds, group.Verify!.Within.TotalSeconds));
    }

    [Fact]
    public void Five_lines_are_enough()
    {
        AgentOptions options = AgentConfigFile.Parse("[agent]\nendpoints = a:1\nnode = n\n[file f]\ndoc = d\npath = /f\n", _ => "", out ImmutableArray<string> problems);
        Assert.Empty(problems);
        Assert.Equal(("file f", TimeSpan.FromMinutes(5)), (Assert.Single(options.Groups).Name, options.FactsInterval));
    }

    [Theory]
    [InlineData("state_dir =", "stat_dir =", "line 7: [agent] stat_dir is no option. Did you mean state_dir?")]
    [InlineData("group = nova-compute", "group = nova", "[file nova] group: there is no [group nova].")]
    [InlineData("mode = 0640", "mode = 0980", "line 18: [file nova] mode: \"0980\" is not octal, such as 0640.")]
    [InlineData("{new}", "/etc/nova/nova.conf", "the command does not look at {new}, the new file.")]
    [InlineData("drift = report", "drift = fix", "\"fix\" is not report, repair or off")]
    [InlineData("fact.rack = 12", "facts_interval = 10ms", "[agent] facts_interval: \"10ms\" is not a time")]
    [InlineData("node = c17", "", "[agent] node: name the node that this is.")]
    [InlineData("[group nova-compute]", "[grp nova-compute]", "is no section of this file")]
    [InlineData("path = /etc", "path = etc", "is not the absolute path")]
    [InlineData("format = oslo-ini", "format = xml", "\"xml\" is no format; there are oslo-ini,")]
    [InlineData("settle = 2s..30s", "settle = 30s..2s", "is not a range of times")]
    [InlineData("signal HUP unit", "signal HOP unit", "write signal HUP unit NAME")]
    [InlineData("node = c17", "node = c17\nheartbeat = 31s", "heartbeat: \"31s\" is not a time, such as 500ms or 2s, of at most 30 s")]
    [InlineData("splay = 60s", "splay = 60s\nsplay = 1s", "splay is there twice")]
    [InlineData("drift = report", "metrics_file = /etc/nova/nova.conf.d/50-conclave.conf", "[file nova] has that path; one file can have one owner.")]
    public void What_is_wrong_is_said_with_what_to_do(string right, string wrong, string problem)
    {
        AgentConfigFile.Parse(Example.Replace(right, wrong, StringComparison.Ordinal), _ => "", out ImmutableArray<string> problems);
        Assert.Contains(problems, p => p.Contains(problem, StringComparison.Ordinal));
    }

    [Theory, InlineData("a 'b c' \"d \\\" e\" f\\ g", new[] { "a", "b c", "d \" e", "f g" }), InlineData("''", new[] { "" })]
    public void Commands_are_split_as_a_shell_would(string text, string[] words)
    {
        Assert.True(OptionTexts.TryWords(text, out ImmutableArray<string> split));
        Assert.Equal(words, split);
    }

    [Fact]
    public void A_template_is_read_with_the_file_and_counts_as_part_of_it()
    {
        const string Text = "[agent]\nendpoints = a:1\nnode = n\n[file f]\ndoc = d\npath = /f\nformat = template\ntemplate = /t\n";
        AgentOptions one = AgentConfigFile.Parse(Text, _ => "x={{x}}", out ImmutableArray<string> problems), other = AgentConfigFile.Parse(Text, _ => "y={{x}}", out _);
        Assert.Empty(problems);
        Assert.NotEqual(one.Fingerprint, other.Fingerprint);
        Assert.NotNull(one.Files[0].Template);
        AgentConfigFile.Parse(Text, _ => "{{x", out problems);
        Assert.Contains(problems, p => p.Contains("/t, line 1: {{ is not closed", StringComparison.Ordinal));
    }
}
