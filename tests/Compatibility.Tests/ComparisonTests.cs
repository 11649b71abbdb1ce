using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests;

/// <summary>The comparison itself: it overlooks nothing but what the table of known differences names.</summary>
public sealed class ComparisonTests
{
    private static (string, JsonNode?)[] Line(string name, string json) => [(name, JsonNode.Parse(json))];

    private static IReadOnlyList<string> Differences(string script, string name, string etcd, string conclave)
    {
        Assert.SkipWhen(Clusters.SubjectKind == ServerKind.Etcd, "etcd compared with itself knows no differences.");
        return Comparison.Differences(script, Line(name, etcd), Line(name, conclave));
    }

    [Theory]
    [InlineData("""{"a":1}""", """{"a":2}""")]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":1}""", "{}")]
    [InlineData("{}", """{"a":null}""")]
    [InlineData("[1,2]", "[1]")]
    [InlineData("""{"a":[{"b":true}]}""", """{"a":[{"b":false}]}""")]
    public void Any_difference_is_found(string etcd, string conclave) => Assert.Single(Differences("some", "line", etcd, conclave));

    [Fact]
    public void Equal_answers_do_not_differ() => Assert.Empty(Differences("some", "line", """{"a":[1,{"b":null}]}""", """{"a":[1,{"b":null}]}"""));

    [Fact]
    public void A_line_that_only_one_side_has_is_found() =>
        Assert.Equal(2, Comparison.Differences("some", Line("one", "1"), Line("other", "1")).Count);

    [Fact]
    public void A_known_difference_is_accepted_and_its_wanted_answer_insisted_on()
    {
        const string old = """{"status":412,"body":{"code":9}}""", wanted = """{"status":400,"body":{"code":9}}""", wrong = """{"status":400,"body":{"code":3}}""";
        Assert.Empty(Differences("leases", "id in use", old, wanted));
        Assert.Single(Differences("leases", "id in use", old, old));
        Assert.Single(Differences("leases", "id in use", old, wrong));
    }
}
