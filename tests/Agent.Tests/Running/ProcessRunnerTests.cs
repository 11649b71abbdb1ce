using System.Globalization;

namespace Conclave.Agent.Tests.Running;

public class ProcessRunnerTests
{
    private const string Secret = "hunter2-correct-horse-battery-staple-0123456789";

    private static async Task<string> SaidAsync(string script)
    {
        (string? failure, _) = await ProcessRunner.RunAsync(["/bin/sh", "-c", script], TimeSpan.FromSeconds(30), new Dictionary<string, string> { ["S"] = Secret }, TestContext.Current.CancellationToken);
        Assert.NotNull(failure);
        return Masking.Hide(failure, [Secret]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public async Task No_part_of_a_secret_is_left_where_a_long_message_is_cut(string before)
    {
        for (int after = 530; after <= 620; after += 3)   // the cut wanders through the line with the secret
        {
            string count = after.ToString(CultureInfo.InvariantCulture);
            string masked = await SaidAsync($"echo first; echo \"{before}$S\"; printf '%{count}s\\nlast\\n' end; exit 1");
            Assert.EndsWith("last", masked, StringComparison.Ordinal);
            for (int from = 0; from + 4 <= Secret.Length; from++) Assert.DoesNotContain(Secret.Substring(from, 4), masked, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task No_part_of_a_secret_is_left_where_a_long_output_is_cut()
    {
        // Short lines with a secret each: the cut of what is kept meets one, and the next one meets what is shown.
        string masked = await SaidAsync("i=0; while [ $i -lt 400 ]; do echo \"$i $S\"; i=$((i+1)); done; exit 1");
        Assert.EndsWith("399 <secret>", masked, StringComparison.Ordinal);
        for (int from = 0; from + 4 <= Secret.Length; from++) Assert.DoesNotContain(Secret.Substring(from, 4), masked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_hangs_is_killed_at_its_time_with_what_it_started()
    {
        string file = Path.GetTempFileName();
        (string? failure, _) = await ProcessRunner.RunAsync(["/bin/sh", "-c", "sleep 600 & echo $! > $0; echo so far; wait", file], TimeSpan.FromSeconds(1), new Dictionary<string, string>(), TestContext.Current.CancellationToken);
        Assert.Equal("/bin/sh did not end within 1 s and was killed. It said: so far", failure);
        string child = (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim();
        File.Delete(file);
        await Machine.EventuallyAsync(() => $"process {child} has ended", () => !File.Exists($"/proc/{child}/status") || File.ReadAllText($"/proc/{child}/status").Contains("State:\tZ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whatever_a_step_throws_is_how_it_ended()
    {
        StepResult broken = await ProgramEffects.EndOf(Task.FromException<StepResult>(new AggregateException("some of it may not be killed")));
        Assert.StartsWith("it cannot be told how this ended: AggregateException: some of it may not be killed", broken.Failure, StringComparison.Ordinal);
        Assert.Equal("given up", (await ProgramEffects.EndOf(Task.FromCanceled<StepResult>(new CancellationToken(canceled: true)))).Failure);
    }

    [Fact]
    public async Task One_line_that_is_too_long_is_not_shown_in_part() =>
        Assert.EndsWith("The last line that it printed is too long to be shown.", await SaidAsync("printf '%s%600s' \"$S\" end; exit 1"), StringComparison.Ordinal);
}
