using Conclave.Raft;
using Conclave.Recording;

namespace Conclave.Cli.Tests.Commands;

public sealed class DebugCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("conclave-debug-");

    [Fact]
    public async Task A_recording_is_replayed_and_told_in_words()
    {
        string path = Record();

        Answer notable = await new Shell().RunAsync("debug", "replay", _directory.FullName);
        Answer all = await new Shell().RunAsync("debug", "replay", path, "--verbose", "--from", "2");

        Assert.Equal((0, ""), (notable.Code, notable.Error));
        Assert.Contains("  out  Leader in term 1, leader 1\n", notable.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("proposal 7", notable.Out, StringComparison.Ordinal);
        Assert.EndsWith("every output is as it was recorded\n", notable.Out, StringComparison.Ordinal);
        Assert.Contains("  out  proposal 7: Appended 2@1\n", all.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("batch 1 ", all.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_is_replayed_from_its_oldest_part_and_a_part_from_there_on()
    {
        Record(payloads: 400);
        string[] parts = [.. RecordingDirectory.List(_directory.FullName).Select(file => file.FullName)];
        Assert.True(parts.Length > 2);
        File.Delete(parts[0]);

        Answer all = await new Shell().RunAsync("debug", "replay", _directory.FullName);
        Answer last = await new Shell().RunAsync("debug", "replay", parts[^1]);

        Assert.Contains("\npart 1, from ", all.Out, StringComparison.Ordinal);
        Assert.Contains($"\npart {parts.Length - 1}, from ", last.Out, StringComparison.Ordinal);
        Assert.All([all, last], answer => Assert.EndsWith("every output is as it was recorded\n", answer.Out, StringComparison.Ordinal));
        Assert.Equal(all.Out.Split('\n')[^3].Split("; ")[1..], last.Out.Split('\n')[^3].Split("; ")[1..]);   // where the core stands
    }

    [Fact]
    public async Task What_is_no_recording_is_refused_with_a_reason()
    {
        string other = Path.Combine(_directory.FullName, "other" + RecordingDirectory.Extension);
        await File.WriteAllTextAsync(other, "something else", TestContext.Current.CancellationToken);

        Answer wrong = await new Shell().RunAsync("debug", "replay", other);

        Assert.Equal(3, wrong.Code);
        Assert.Contains("is no recording", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await new Shell().RunAsync("debug", "replay", Path.Combine(_directory.FullName, "nothing"))).Code);
        Assert.Equal(1, (await new Shell().RunAsync("debug", "replay", _directory.CreateSubdirectory("empty").FullName)).Code);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private string Record(int payloads = 1)
    {
        RaftOptions options = new() { Self = new NodeId(1), Seed = 5 };
        RecoveredState recovered = new() { HardState = default, Bootstrap = Membership.Of(new NodeId(1)) };
        RaftCore core = new(options, recovered);
        RaftOutput output = new();
        using InputRecorder recorder = new(new RecorderOptions { Directory = _directory.FullName, BytesMax = 1 << 20 }, new RecordingStart(0, "1.2.3", options), core, _ => { });
        string first = recorder.Path;
        // A single member writes its vote (ticket 1), leads, and then takes proposals.
        Run(RaftInput.Tick(), RaftInput.Persisted(new IoTicket(1)), RaftInput.Tick());
        for (int i = 0; i < payloads; i++) Run(RaftInput.Propose(new[] { new Proposal(7, new byte[payloads > 1 ? 1_000 : 1]) }));
        return first;

        void Run(params ReadOnlySpan<RaftInput> inputs)
        {
            foreach (ref readonly RaftInput input in inputs)
            {
                recorder.Step(input);
                core.Step(input, output);
                core.Flush(output);
                recorder.Flush(output, core);
                output.Clear();
            }
        }
    }
}
