using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Comparing;
using Conclave.Conformance.Tests.Suite;

namespace Conclave.Conformance.Tests;

/// <summary>The comparison itself: it overlooks nothing but what the table names, and the table names nothing that is not so.</summary>
public sealed class ComparisonTests
{
    private static List<Transcript> Case(string seen, long begins = 0, string name = "a case") => [new(name, Over.Grpc, begins, [("1 Put", JsonNode.Parse(seen))])];

    private static IReadOnlyList<string> Differences(List<Transcript> etcd, List<Transcript> conclave, params KnownDifference[] known) =>
        new Comparison(known, ("etcd", "conclave")).Differences("put", etcd, conclave);

    private static KnownDifference Known(string where, string etcd, string conclave) => new("it", [where], etcd, conclave, "", "");

    [Theory]
    [InlineData("""{"a":1}""", """{"a":2}""")]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":1}""", "{}")]
    [InlineData("{}", """{"a":null}""")]
    [InlineData("[1,2]", "[1]")]
    [InlineData("""{"a":[{"b":true}]}""", """{"a":[{"b":false}]}""")]
    public void Any_difference_is_found_and_shows_both_sides(string etcd, string conclave)
    {
        string found = Assert.Single(Differences(Case(etcd), Case(conclave)));
        Assert.Contains("etcd:", found, StringComparison.Ordinal);
        Assert.Contains("conclave:", found, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_answers_do_not_differ() => Assert.Empty(Differences(Case("""{"a":[1,{"b":null}]}"""), Case("""{"a":[1,{"b":null}]}""")));

    [Fact]
    public void A_case_or_a_step_that_only_one_side_has_is_found()
    {
        Assert.Equal(2, Differences(Case("1", name: "one"), Case("1", name: "other")).Count);
        Assert.Equal(2, Differences([new("a case", Over.Grpc, 0, [("1 Put", 1)])], [new("a case", Over.Grpc, 0, [("1 Range", 1)])]).Count);
    }

    [Fact]
    public void A_case_that_does_not_work_on_etcd_is_found() =>
        Assert.NotEmpty(Differences([new("a case", Over.Grpc, 0, [(Transcript.Broken, "why")])], [new("a case", Over.Grpc, 0, [(Transcript.Broken, "why")])]));

    [Fact]
    public void Revisions_that_move_apart_are_told_once_at_the_case_after() =>
        Assert.Single(Differences([.. Case("1", 0, "first"), .. Case("1", 1, "second"), .. Case("1", 2, "third")], [.. Case("1", 0, "first"), .. Case("1", 2, "second"), .. Case("1", 3, "third")]));

    [Fact]
    public void A_known_difference_is_accepted_where_it_is_listed_and_with_the_listed_answers()
    {
        KnownDifference known = Known("put/a case: grpc: 1 Put $.a", "1", "2");
        Assert.Empty(Differences(Case("""{"a":1}"""), Case("""{"a":2}"""), known));
        Assert.NotEmpty(Differences(Case("""{"a":1}"""), Case("""{"a":3}"""), known));
        Assert.NotEmpty(Differences(Case("""{"a":0}"""), Case("""{"a":2}"""), known));
        Assert.NotEmpty(Differences(Case("""{"ab":1}"""), Case("""{"ab":2}"""), known));
        Assert.Empty(Differences(Case("""{"a":1}"""), Case("{}"), Known("put/*: *: 1 Put $.a", "1", KnownDifference.Absent)));
    }

    [Fact]
    public void A_known_difference_that_is_none_any_more_is_found() =>
        Assert.Contains("agree there now", Assert.Single(Differences(Case("""{"a":1}"""), Case("""{"a":1}"""), Known("put/a case: grpc: 1 Put $.a", KnownDifference.Any, KnownDifference.Any))), StringComparison.Ordinal);

    [Theory]
    [InlineData("a/b: json: 1 Put $.x", true)]
    [InlineData("a/b: json: 1 Put $.x.y", true)]
    [InlineData("a/b: json: 1 Put $.x[0]", true)]
    [InlineData("a/b: json: 1 Put $.xy", false)]
    [InlineData("a/b: grpc: 1 Put $.x", false)]
    [InlineData("a/b: json: 1 Put $", false)]
    [InlineData("a/c: json: 12 Put $.x", true)]
    [InlineData("aa/b: json: 1 Put $.x", false)]
    public void A_place_is_covered_by_a_pattern_with_stars(string place, bool isCovered) => Assert.Equal(isCovered, KnownDifference.Covers("a/*: json: * $.x", place));

    [Fact]
    public void Known_differences_of_other_groups_are_not_asked_for() =>
        Assert.Empty(Differences(Case("1"), Case("1"), Known("lease/a case: grpc: 1 Put $.a", "1", "2")));
}
