using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Values;

public class ValueTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("fad390a124d2f30a8cfe8abf")]
    [InlineData("tad390a1")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("[1, fad390a1]")]
    public void What_is_no_value_is_not_quoted_because_it_may_be_a_secret(string text)
    {
        Assert.False(ValueJson.TryParse(text, out _, out string problem));
        Assert.DoesNotContain(text.Trim('[', ']', '1', ',', ' '), problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_and_json_bring_a_value_back() => Properties.Holds(Prop.ForAll((int seed) =>
    {
        Value value = Any(new System.Random(seed), 0);
        var reader = new CanonicalReader(value.ToBytes());
        Assert.Equal(value, reader.Value());
        reader.End();
        Assert.True(ValueJson.TryParse(value.ToString(), out Value? parsed, out string problem), problem);
        Assert.Equal(value, parsed);
        Assert.Equal(value.GetHashCode(), parsed.GetHashCode());
        Assert.Equal(value.ToBytes(), parsed.ToBytes());
    }), output, tests: 300);

    [Fact]
    public void Values_that_look_alike_are_not_equal()
    {
        Value[] values = [Value.Null, Value.False, Value.Of(0), Value.Of(0.0), Value.Of(""), Value.Of("0"), Value.EmptyList, Value.EmptyMap, Value.ListOf(Value.Null), Value.Of("null")];
        foreach (Value a in values)
            Assert.Single(values, b => a.Equals(b));
        Assert.Equal(Value.Of(0.0), Value.Of(-0.0));
        Assert.Equal(Value.Of(0.0).ToBytes(), Value.Of(-0.0).ToBytes());
    }

    [Fact]
    public void Order_of_members_does_not_show()
    {
        Value a = Value.Map([new("b", Value.Of(1)), new("a", Value.Of(2))]), b = Value.Map([new("a", Value.Of(2)), new("b", Value.Of(1))]);
        Assert.Equal(a.ToBytes(), b.ToBytes());
        Assert.Throws<ArgumentException>(() => Value.Map([new("a", Value.Null), new("a", Value.Null)]));
        Assert.False(ValueJson.TryParse("""{"a":1,"a":2}""", out _, out _));
        Assert.Throws<ArgumentException>(() => Value.Of(double.NaN));
    }

    [Fact]
    public void A_literal_text_survives_being_escaped_whatever_it_holds() => Properties.Holds(Prop.ForAll((NonNull<string> text, bool beforeReference) =>
    {
        string literal = text.Get.Replace('a', '%').Replace('b', '{');
        string template = Template.Escape(literal, beforeReference) + (beforeReference ? "%{key:x}" : "");
        Template parsed = Template.Parse(template);
        Assert.Null(parsed.Problem);
        Assert.Equal(literal, string.Concat(parsed.Parts.Select(p => p.Literal)));
        Assert.Equal(beforeReference ? 1 : 0, parsed.Parts.Count(p => p.Reference is not null));
    }), output, tests: 500);

    [Theory]
    [InlineData("%{key:sec/opt}")]
    [InlineData("%{text:doc:glance/sec/opt|none}")]
    [InlineData("%{node:c18/nova/DEFAULT/my_ip#/0/a~1b}")]
    [InlineData("%{fact:networking.ip|}")]
    [InlineData("%{secret:rabbit/nova}")]
    [InlineData("%{program:my_ip}")]
    public void A_reference_is_written_as_it_was_read(string text) => Assert.Equal(text, Template.Parse(text).Parts.Single().Reference!.ToString());

    [Theory]
    [InlineData("%%{key:x}", "%{key:x}")]
    [InlineData("100%", "100%")]
    [InlineData("%%%%{", "%%{")]
    [InlineData("a%b %% c", "a%b %% c")]
    public void Doubled_percent_signs_before_a_brace_are_one(string text, string literal) => Assert.Equal(literal, Template.Parse(text).Parts.Single().Literal);

    private static Value Any(System.Random random, int depth) => random.Next(depth > 3 ? 5 : 7) switch
    {
        0 => Value.Null,
        1 => Value.Of(random.Next(2) == 0),
        2 => Value.Of(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64)),
        3 => Value.Of(random.NextDouble() * Math.Pow(10, random.Next(-300, 300))),
        4 => Value.Of(Support.Documents.Tricky(random)),
        5 => Value.List([.. Enumerable.Range(0, random.Next(4)).Select(_ => Any(random, depth + 1))]),
        _ => Value.Map(Enumerable.Range(0, random.Next(4)).Select(i => KeyValuePair.Create($"{i}{Support.Documents.Tricky(random)}", Any(random, depth + 1)))),
    };
}
