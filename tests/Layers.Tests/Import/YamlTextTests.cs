using Conclave.Layers.Import;

namespace Conclave.Layers.Tests.Import;

public class YamlTextTests
{
    [Theory]
    [InlineData("True", "true")]
    [InlineData("no", "false")]
    [InlineData("y", "\"y\"")]
    [InlineData("~", "null")]
    [InlineData("", "null")]
    [InlineData("undef", "\"undef\"")]
    [InlineData("0x1F", "31")]
    [InlineData("010", "8")]
    [InlineData("09", "\"09\"")]
    [InlineData("-1_000", "-1000")]
    [InlineData("99999999999999999999", "\"99999999999999999999\"")]
    [InlineData("1.50", "1.5")]
    [InlineData(".5", "0.5")]
    [InlineData("1.", "1.0")]
    [InlineData("1e5", "\"1e5\"")]
    [InlineData("1.0e+5", "100000.0")]
    [InlineData("172.16.", "\"172.16.\"")]
    [InlineData("1:30", "90")]
    [InlineData("2024-05-30-200100", "\"2024-05-30-200100\"")]
    [InlineData("-", "\"-\"")]
    [InlineData("::", "\"::\"")]
    public void A_plain_scalar_means_what_psych_takes_it_for(string text, string json) => Assert.Equal(json, YamlText.Plain(text).ToString());

    [Theory]
    [InlineData("a: &x {k: 1}\nb: *x\n", """{"a":{"k":1},"b":{"k":1}}""")]
    [InlineData("base: &b {k: 1, l: 2}\nc:\n  k: 0\n  <<: *b\n  l: 3\n", """{"base":{"k":1,"l":2},"c":{"k":1,"l":3}}""")]
    [InlineData("c:\n  <<: [{k: 1}, {k: 2, m: 3}]\n", """{"c":{"k":1,"m":3}}""")]
    [InlineData("a: 1\na: 2\n", """{"a":2}""")]
    [InlineData("1: x\ntrue: y\n", """{"1":"x","true":"y"}""")]
    [InlineData("a: !ruby/regexp /x/\nb: '1'\nc: !!str 1\n", """{"a":"/x/","b":"1","c":"1"}""")]
    [InlineData("", "null")]
    [InlineData("# nothing\n", "null")]
    [InlineData("--- \n- a\n- [b, {c: d}]\n", """["a",["b",{"c":"d"}]]""")]
    [InlineData("n: &n name\nm:\n  *n:\n    x: 1\n", """{"m":{"name":{"x":1}},"n":"name"}""")]
    [InlineData("a: \"one\ntwo\"\nb: 1\n", """{"a":"one two","b":1}""")]
    [InlineData("a: |\n  *n:\n  x\n", """{"a":"*n:\nx\n"}""")]
    public void A_text_gives_the_values_that_psych_gives(string text, string json)
    {
        Assert.True(YamlText.TryParse(text, out Value? value, out string problem), problem);
        Assert.Equal(json, value.ToString());
    }

    [Theory]
    [InlineData("a: *nobody\n")]
    [InlineData("a: [1\n")]
    [InlineData("a: b: c\n")]
    [InlineData("? [a]\n: b\n")]
    [InlineData("a: \"open\n")]
    public void A_broken_text_is_refused_with_its_place(string text)
    {
        Assert.False(YamlText.TryParse(text, out _, out string problem));
        Assert.Contains("line ", problem);
    }

    [Fact]
    public void A_small_text_cannot_become_a_large_value()
    {
        string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 9).Select(i => $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));
        Assert.False(YamlText.TryParse(bomb, out _, out string problem));
        Assert.Contains("aliases counted", problem);
        Assert.False(YamlText.TryParse(string.Concat(Enumerable.Repeat("[", 100)) + string.Concat(Enumerable.Repeat("]", 100)), out _, out problem));
        Assert.Contains("Nested deeper", problem);
    }
}
