using Conclave.Cli.Up;

namespace Conclave.Cli.Tests.Up;

public sealed class BoundedLogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-log-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_log_is_appended_to_across_runs()
    {
        string path = Path.Combine(_directory, "a.log");
        using (BoundedLog first = new(path)) first.WriteLine("one");
        using (BoundedLog second = new(path)) second.WriteLine("two");

        Assert.Equal(["one", "two"], File.ReadAllLines(path));
    }

    [Fact]
    public void A_log_keeps_at_most_two_files_of_bounded_size()
    {
        string path = Path.Combine(_directory, "a.log"), line = new('x', 1 << 20);
        using (BoundedLog log = new(path))
        {
            for (int i = 0; i < 18; i++) log.WriteLine(line);
        }

        Assert.All(Directory.GetFiles(_directory), file => Assert.InRange(new FileInfo(file).Length, 0, BoundedLog.BytesMax + line.Length + 1));
        Assert.Equal(2, Directory.GetFiles(_directory).Length);
    }
}
