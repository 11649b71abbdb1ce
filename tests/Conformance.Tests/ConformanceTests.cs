using System.Diagnostics;
using Conclave.Conformance.Tests.Comparing;
using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;

namespace Conclave.Conformance.Tests;

/// <summary>Each group of cases runs against etcd and against Conclave, over gRPC and over JSON; what they answer must be the same but for the table of known differences.</summary>
[TestCaseOrderer(typeof(InOrderOfGroups))]
public sealed class ConformanceTests(ServerPairs pairs, ITestOutputHelper output)
{
    /// <summary>What the suite promises to hold.</summary>
    private const int CasesMin = 500;

    private const int DifferencesShownMax = 60;

    /// <summary>Groups where calls wait for one another: which of two answers first is nobody's promise, and where Conclave differs by design that shows.</summary>
    private static readonly string[] WaitsForOthers = ["lock", "election"];

    public static TheoryData<string> Names => new(Groups.All.Select(group => group.Name));

    [Theory, MemberData(nameof(Names))]
    public async Task Both_answer_the_same(string group)
    {
        CaseGroup cases = Groups.Named(group);
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using ServerPairs.Pair pair = await pairs.TakeAsync(cases);
        long start = Stopwatch.GetTimestamp();
        Task<List<Transcript>>? onEtcd = pair.Etcd is null ? null : GroupRunner.RunAsync(pair.Etcd, cases, cancellationToken);
        List<Transcript> actual = await GroupRunner.RunAsync(pair.Subject, cases, cancellationToken);
        List<Transcript> recorded = Recording.Read(group), expected = onEtcd is null ? recorded : await onEtcd;

        if (onEtcd is null)
            output.WriteLine("etcd is not installed, so its recorded answers are compared. For a live comparison run: apt-get install etcd-server");
        else if (Recording.IsWanted)
            Recording.Write(group, expected);
        else
            Check(new Comparison([], ("recorded", "etcd")), group, recorded, expected, $"etcd does not answer as it did when it was recorded. If cases were changed on purpose, renew: {Recording.Renew}");

        IReadOnlyList<KnownDifference> known = ServerPairs.SubjectKind == ServerKind.Conclave ? KnownDifferences.All : [];
        var comparison = new Comparison(known, ("etcd", "conclave"));
        Check(comparison, group, expected, actual, "Conclave does not answer as etcd does");
        if (known.Count > 0 && !WaitsForOthers.Contains(group))
            CheckOwn(group, comparison.OwnAnswers);
        output.WriteLine($"{group}: {cases.Cases.Count} cases, {actual.Count} with both transports, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    [Fact]
    public void The_suite_is_as_large_as_it_says()
    {
        foreach (CaseGroup group in Groups.All)
            output.WriteLine($"{group.Name,-16}{group.Cases.Count,5}");
        int total = Groups.All.Sum(group => group.Cases.Count), runs = Groups.All.Sum(group => group.Cases.Sum(one => one.EachTransport.Count()));
        output.WriteLine($"{"total",-16}{total,5} cases, {runs} with both transports");
        Assert.True(total >= CasesMin, $"The suite has {total} cases, fewer than {CasesMin}.");
    }

    /// <summary>Where the table says only that Conclave differs, it still has to answer as it did.</summary>
    private static void CheckOwn(string group, SortedDictionary<string, string> answers)
    {
        if (Recording.IsWanted)
        {
            Recording.WriteOwn(group, answers);
            return;
        }
        SortedDictionary<string, string> recorded = Recording.ReadOwn(group);
        string[] changed = [.. answers.Keys.Union(recorded.Keys).Where(place => answers.GetValueOrDefault(place) != recorded.GetValueOrDefault(place))
            .Select(place => $"{place}\n    before: {recorded.GetValueOrDefault(place)}\n    now:    {answers.GetValueOrDefault(place)}")];
        Assert.True(changed.Length == 0, $"Conclave answers otherwise than it did at {changed.Length} places where it differs from etcd by design. If that is wanted: {Recording.Renew}\n{string.Join('\n', changed.Take(DifferencesShownMax))}");
    }

    private static void Check(Comparison comparison, string group, List<Transcript> expected, List<Transcript> actual, string what)
    {
        IReadOnlyList<string> differences = comparison.Differences(group, expected, actual);
        if (differences.Count == 0)
            return;
        string more = differences.Count > DifferencesShownMax ? $"\n... and {differences.Count - DifferencesShownMax} more" : "";
        Assert.Fail($"{what}: {differences.Count} differences in {comparison.FailedCases} of {expected.Count} runs.\n{string.Join('\n', differences.Take(DifferencesShownMax))}{more}");
    }
}
