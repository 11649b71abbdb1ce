using Conclave.Layers.Rendering;
using Conclave.Layers.Tests.Support;

namespace Conclave.Layers.Tests.Rendering;

public class TextTemplateTests
{
    private static readonly RenderSource Source = Documents.Source(Documents.Of(
        ("name", Value.Of("it's <b>")), ("servers", Value.ListOf(Value.Of("a"), Value.Of("b"))), ("empty", Value.EmptyList), ("on", Value.True), ("off", Value.False),
        ("people", Value.ListOf(Value.Map([new("id", Value.Of(1)), new("mail", Value.Of("x@y"))]))), ("ports", Value.Map([new("http", Value.Of(80)), new("https", Value.Of(443))]))));

    [Theory]
    [InlineData("plain {{{{x}}", "plain {{x}}")]
    [InlineData("{{name}}/{{nothing|none}}", "it's <b>/none")]
    [InlineData("{{#if on}}yes{{else}}no{{/if}} {{#if off}}yes{{else}}no{{/if}} {{#if nothing}}yes{{/if}}", "yes no ")]
    [InlineData("list:\n  {{#each servers}}\n- {{.}}\n  {{/each}}\nend\n", "list:\n- a\n- b\nend\n")]
    [InlineData("{{#each empty}}x{{/each}}{{#each nothing}}x{{/each}}.", ".")]
    [InlineData("{{#each ports}}{{@key}}={{.}};{{/each}}", "http=80;https=443;")]
    [InlineData("{{#each people}}{{.id}} {{.mail}}{{#if .id}}!{{/if}}{{/each}}", "1 x@y!")]
    public void It_inserts_chooses_and_loops(string text, string wanted)
    {
        Assert.True(TextTemplate.TryParse(text, out TextTemplate? template, out string problem), problem);
        Rendered rendered = template!.Render(Source, TemplateEscape.None);
        Assert.Empty(rendered.Problems);
        Assert.Equal(wanted, rendered.Text);
    }

    [Theory]
    [InlineData(TemplateEscape.Shell, "'it'\\''s <b>'")]
    [InlineData(TemplateEscape.Json, "\"it's <b>\"")]
    [InlineData(TemplateEscape.Xml, "it&#39;s &lt;b&gt;")]
    public void What_it_inserts_is_escaped_for_the_format(TemplateEscape escape, string wanted)
    {
        Assert.True(TextTemplate.TryParse("{{name}}", out TextTemplate? template, out _));
        Assert.Equal(wanted, template!.Render(Source, escape).Text);
    }

    [Theory]
    [InlineData("a\n{{#if x}}", "line 2")]
    [InlineData("{{x", "not closed")]
    [InlineData("{{/if}}", "closes nothing")]
    [InlineData("{{#each x}}{{else}}{{/each}}", "closes nothing")]
    [InlineData("{{#if x}}{{else}}{{else}}{{/if}}", "second {{else}}")]
    [InlineData("{{ }}", "names no key")]
    public void A_broken_template_is_refused_with_its_line(string text, string why)
    {
        Assert.False(TextTemplate.TryParse(text, out _, out string problem));
        Assert.Contains(why, problem);
    }

    [Fact]
    public void It_says_which_keys_it_reads_and_what_it_lacks()
    {
        Assert.True(TextTemplate.TryParse("{{a/b}}{{#each c}}{{.d}}{{/each}}{{servers}}", out TextTemplate? template, out _));
        Assert.Equal(["a/b", "c", "servers"], template!.Keys);
        Rendered rendered = template.Render(Source, TemplateEscape.None);
        Assert.Null(rendered.Text);
        Assert.Equal(["a/b", "servers"], rendered.Problems.Select(p => p.Key));
    }
}
