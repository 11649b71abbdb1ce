namespace Conclave.Agent.Tests.Disk;

public sealed class StateDirectoryTests : IDisposable
{
    private static readonly byte[] Run = Guid.NewGuid().ToByteArray();

    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-agent-").FullName;
    private readonly AgentOptions _options = new() { Node = "c1", Space = "s", ConfigFile = "/etc/conclave/agent.conf", Fingerprint = "1" };
    private readonly StateDirectory _state;

    public StateDirectoryTests() => _state = new StateDirectory(new PosixFiles(), _directory);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_last_start_is_that_of_the_same_node_space_and_configuration_file()
    {
        Assert.Empty(_state.LoadRun(_options));
        _state.SaveRun(_options, Run);
        Assert.Equal(Run, _state.LoadRun(_options with { Fingerprint = "2" }));   // a name in the file was corrected
        Assert.Empty(_state.LoadRun(_options with { Node = "c2" }));
        Assert.Empty(_state.LoadRun(_options with { Space = "" }));
        Assert.Empty(_state.LoadRun(_options with { ConfigFile = "/etc/conclave/other.conf" }));
    }

    [Fact]
    public void A_copy_of_the_directory_has_no_last_start()
    {
        _state.SaveRun(_options, Run);
        string copy = Directory.CreateDirectory(Path.Combine(_directory, "copy")).FullName;
        File.Copy(Path.Combine(_directory, "run"), Path.Combine(copy, "run"));
        Assert.Empty(new StateDirectory(new PosixFiles(), copy).LoadRun(_options));
    }

    [Fact]
    public void A_last_start_that_does_not_say_whose_it_was_counts_as_none()
    {
        File.WriteAllBytes(Path.Combine(_directory, "run"), Run);   // as it was written before
        Assert.Empty(_state.LoadRun(_options));
    }
}
