using System.Collections.Immutable;
using Conclave.Extensions.Configuration;
using Conclave.Wire;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests.Configuration;

/// <summary>How documents look to .NET.</summary>
public class ConfigurationValuesTests
{
    [Theory]
    [InlineData("\"text\"", "text")]
    [InlineData("5672", "5672")]
    [InlineData("1.50", "1.50")]
    [InlineData("true", "true")]
    [InlineData("null", null)]
    [InlineData("[]", "")]
    [InlineData("{}", null)]
    public void A_single_value_is_its_text(string json, string? expected)
    {
        Assert.True(Of(("sec/opt", json)).TryGet("doc:sec:opt", out string? value));
        Assert.Equal(expected, value);
    }

    [Fact]
    public void What_is_not_what_was_sent_is_asked_for_again()
    {
        var whole = new V1.DocumentDelta { Document = "d", Whole = true, Set = { new V1.Item { Key = "b", Value = "2" }, new V1.Item { Key = "a", Value = "\"x\"", Pending = true } } };
        Assert.NotNull(NodeDocuments.None.After(new V1.Delta { Documents = { whole } }));   // an older server sends no hash
        whole.ItemsHash = ItemsHash.Of([("a", "\"x\"", true), ("b", "2", false)]);
        NodeDocuments one = NodeDocuments.None.After(new V1.Delta { Documents = { whole } })!;
        var delta = new V1.DocumentDelta { Document = "d", Set = { new V1.Item { Key = "b", Value = "3" } }, ItemsHash = ItemsHash.Of([("a", "\"x\"", true), ("b", "3", false)]) };
        Assert.NotNull(one.After(new V1.Delta { Documents = { delta } }));
        whole.Set[1].Value = "\"y\"";
        Assert.Null(NodeDocuments.None.After(new V1.Delta { Documents = { whole } }));
        whole.ItemsHash = Google.Protobuf.ByteString.Empty;
        Assert.Null(NodeDocuments.None.After(new V1.Delta { Documents = { whole } })!.After(new V1.Delta { Documents = { delta } }));   // a delta to something else
    }

    [Fact]
    public void Lists_and_maps_are_below_their_key()
    {
        ConfigurationValues values = Of(("pci/spec", """["a",{"b":1,"c":[2]},[]]"""), ("profile::x", "1"));

        Assert.Equal(["0", "1", "2"], values.ChildrenOf("doc:pci:spec", []));
        Assert.Equal(["b", "c"], values.ChildrenOf("doc:pci:spec:1", []));
        Assert.Equal(("a", "1", "2", "", "1"), (Get("doc:pci:spec:0"), Get("doc:pci:spec:1:b"), Get("doc:pci:spec:1:c:0"), Get("doc:pci:spec:2"), Get("doc:profile::x")));

        string? Get(string key) => values.TryGet(key, out string? value) ? value : "missing";
    }

    [Fact]
    public void A_list_is_whole_whatever_other_sources_say()
    {
        IConfigurationRoot root = new ConfigurationBuilder()
            .AddInMemoryCollection([new("doc:sec:list:0", "x"), new("doc:sec:list:1", "y"), new("doc:sec:list:2:z", "z"), new("doc:sec:other", "kept")])
            .Add(new Fixed(Of(("sec/list", """["a"]""")))).Build();

        Assert.Equal(["a"], root.GetSection("doc:sec:list").Get<string[]>() ?? []);
        Assert.Null(root["doc:sec:list:1"]);
        Assert.Null(root["doc:sec:list:2:z"]);
        Assert.Equal(["list", "other"], root.GetSection("doc:sec").GetChildren().Select(c => c.Key));
    }

    [Fact]
    public void Keys_that_differ_by_case_only_are_told_and_the_first_is_taken()
    {
        ConfigurationValues values = Of(("DEFAULT/Debug", "1"), ("DEFAULT/debug", "2"), ("m", """{"A":1,"a":2}"""));

        Assert.Equal(2, values.Problems.Count);
        Assert.Contains("doc DEFAULT/debug and doc DEFAULT/Debug are the same name for .NET", values.Problems[0], StringComparison.Ordinal);
        Assert.True(values.TryGet("doc:default:debug", out string? value));
        Assert.Equal("1", value);
    }

    [Fact]
    public void A_value_set_in_the_process_is_seen_until_the_next_release()
    {
        ConfigurationValues values = Of(("a", "1"));

        Assert.True(values.With("doc:b", "2").TryGet("DOC:B", out string? value));
        Assert.Equal("2", value);
        Assert.Equal(["a", "b"], values.With("doc:b", "2").ChildrenOf("doc", []));
        Assert.False(values.TryGet("doc:b", out _));
    }

    private static ConfigurationValues Of(params (string Key, string Json)[] items)
    {
        var document = new NodeDocument(items.ToImmutableSortedDictionary(i => i.Key, i => new V1.Item { Key = i.Key, Value = i.Json }, StringComparer.Ordinal), ByteString.Empty, Release: 0);
        return ConfigurationValues.Of(NodeDocuments.None with { ByName = NodeDocuments.None.ByName.Add("doc", document) });
    }

    private sealed class Fixed(ConfigurationValues values) : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override bool TryGet(string key, out string? value) => values.TryGet(key, out value);

        public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) => values.ChildrenOf(parentPath, earlierKeys);
    }
}
