using Conclave.Layers.Import;

namespace Conclave.Layers.Tests.Import;

/// <summary>Hiera's rules one by one, on data small enough to read.</summary>
public class HieraImportTests
{
    private const string Hierarchy = """
        dimensions: [site, role, host]
        levels:
          - {name: host, kind: file, path: "hosts/%{hostname}.yaml"}
          - {name: regex, kind: regex_file, path: regex.yaml, match: "%{fqdn}"}
          - {name: role@site, kind: file, path: "role/%{site}/%{_role}.yaml"}
          - {name: role, kind: file, path: "role/common/%{_role}.yaml"}
          - {name: site, kind: expand_path, path: "%{site}"}
          - {name: common, kind: expand_path, path: common}
        variables:
          hostname: column host
          fqdn: column fqdn
          domain: fqdn without the first label
          site: column site
          _role: column role
          realm: production
        """;

    private const string Nodes = "host\tfqdn\tsite\trole\nweb1\tweb1.eu.example\teu\tapp/web\ndb1\tdb1.us.example\tus\tdb\nlost\tlost.us.example\tus\t\n";

    [Theory]
    [InlineData("web1", "first", "\"of host\"")]
    [InlineData("db1", "first", "\"of common\"")]
    [InlineData("web1", "null_wins", "null")]
    [InlineData("db1", "null_wins", "1")]
    [InlineData("web1", "nothing", "-")]
    [InlineData("web1", "by_pattern", "\"early label\"")]
    [InlineData("web1", "late_only", "\"late label\"")]
    [InlineData("db1", "by_pattern", "-")]
    [InlineData("web1", "a::b::c", "\"in its file\"")]
    [InlineData("web1", "a::b::d", "-")]
    [InlineData("web1", "hashed", """{"a":{"x":1},"b":2}""")]
    [InlineData("web1", "deep", """{"a":{"x":1,"y":2},"l":[1,2,3]}""")]
    [InlineData("web1", "unique", "[3,2,1]")]
    [InlineData("db1", "unique", "[1,2]")]
    [InlineData("web1", "text", "\"web1 in eu of production at eu.example, [true]\"")]
    [InlineData("lost", "text", "\"lost in us of production at us.example, [false]\"")]
    [InlineData("web1", "flag_alias", "true")]
    [InlineData("web1", "flag_lookup", "\"true\"")]
    [InlineData("web1", "unknown", "\"<>\"")]
    [InlineData("web1", "unknown_alias", "\"\"")]
    [InlineData("web1", "percent", "\"%{HTTP_HOST} 100%\"")]
    [InlineData("web1", "inside", "\"two\"")]
    [InlineData("web1", "named", """{"web1":1}""")]
    [InlineData("web1", "role_of", "\"app/web\"")]
    public void A_lookup_gives_what_hiera_gives(string host, string key, string json)
    {
        ImportResult imported = Import();
        Assert.DoesNotContain(imported.Problems, p => p.IsError);
        Plan plan = Fleet.Of(ConfigState.Initial).Plan(new(0, imported.Edits), new ReleaseNote());
        Assert.True(plan.After is not null, string.Join('\n', plan.Problems));
        Evaluated got = plan.After.EffectiveKey(host, "d", key, ResolutionInputs.None);
        Assert.Null(got.Problem);
        Assert.Equal(json, got.Value?.ToString() ?? "-");
    }

    [Fact]
    public void A_file_whose_path_has_no_variable_is_for_every_node()
    {
        ImportResult imported = HieraImport.Run(new HieraSource("dimensions: [host]\nlevels:\n  - {name: all, kind: file, path: all.yaml}\nvariables: {}\n", "host\nn1\n", new Dictionary<string, string> { ["all.yaml"] = "a: 1\n" }), "d");

        Assert.Empty(imported.Problems);
        Assert.Equal(new EntryEdit("d", Scope.Everything, "a", Entry.Set(Value.Of(1))), imported.Edits.OfType<EntryEdit>().Single());
    }

    [Fact]
    public void A_column_that_became_empty_takes_the_value_of_an_earlier_import_away()
    {
        const string Before = "host\track\nn1\ta7\nn2\tb1\n";
        Plan first = Fleet.Of(ConfigState.Initial).Plan(new(0, Of(Before).Edits), new ReleaseNote());
        Plan again = first.After!.Plan(new(1, Of(Before.Replace("a7", "", StringComparison.Ordinal)).Edits), new ReleaseNote());

        Assert.Equal(("\"a7\"", "\"b1\""), (Rack(first, "n1"), Rack(first, "n2")));
        Assert.True(again.After is not null, string.Join('\n', again.Problems));
        Assert.Equal(("\"\"", "\"b1\""), (Rack(again, "n1"), Rack(again, "n2")));

        // The first import has empty ones too, of which nothing is there.
        Assert.NotNull(Fleet.Of(ConfigState.Initial).Plan(new(0, Of("host\track\nn1\t\n").Edits), new ReleaseNote()).After);

        static string? Rack(Plan plan, string host) => plan.After!.EffectiveKey(host, "d", "at", ResolutionInputs.None).Value?.ToString();
        static ImportResult Of(string nodes) => HieraImport.Run(new HieraSource("dimensions: [host]\nlevels:\n  - {name: all, kind: file, path: all.yaml}\nvariables:\n  rack: column rack\n",
            nodes, new Dictionary<string, string> { ["all.yaml"] = "at: \"%{rack}\"\n" }), "d");
    }

    [Fact]
    public void What_cannot_be_expressed_is_told()
    {
        Assert.Contains(Import(Hierarchy.Replace("[site, role, host]", "[role, site, host]")).Problems, p => p.IsError && p.Message.Contains("change the order of the dimensions"));
        Assert.Contains(Import(extra: ("role/common/db.yaml", "lookup_options: {first: {merge: deep}}")).Problems, p => p.IsError && p.Message.Contains("lookup_options of first differ"));
        Assert.Contains(Import(extra: ("common/x.yaml", "lookup_options: {}\na: 1")).Problems, p => !p.IsError && p.Message.Contains("nobody finds them"));
        Assert.Contains(Import(extra: ("hosts/db1.yaml", "- not\n- a map")).Problems, p => p.IsError && p.Message.Contains("no map of keys"));
        Assert.Contains(Import(extra: ("common.yaml", "lookup_options:\n  k: {merge: {strategy: deep, knockout_prefix: '--'}}")).Problems, p => p.IsError && p.Message.Contains("knockout_prefix"));
    }

    private static ImportResult Import(string hierarchy = Hierarchy, params (string Path, string Text)[] extra)
    {
        var files = new Dictionary<string, string>
        {
            ["hosts/web1.yaml"] = "first: of host\nnull_wins: ~\n",
            ["regex.yaml"] = "zlabel:\n  __regex: !ruby/regexp /^web\\d\\./\n  by_pattern: early label\nalabel:\n  __regex: !ruby/regexp /example$/\n  late_only: late label\n" + "never:\n  __regex: !ruby/regexp /^nobody/\n  by_pattern: never\n",
            ["role/eu/app/web.yaml"] = "hashed: {a: {x: 1}}\ndeep: {a: {x: 1}, l: [2, 3]}\nunique: 3\nflag: true\n",
            ["role/common/app/web.yaml"] = "hashed: {a: {y: 2}, b: 2}\nunique: [[2, 3]]\n",
            ["role/other/app/web.yaml"] = "first: of a site that no node has\n",
            ["eu.yaml"] = "deep: {a: {y: 2}}\n",
            ["common.yaml"] = """
                lookup_options:
                  hashed: {merge: hash}
                  deep: {merge: {strategy: deep}}
                  '^uni.*$': {merge: unique}
                first: of common
                null_wins: 1
                flag: false
                deep: {l: [1, 2], a: {x: 0}}
                unique: [1, 2]
                text: "%{hostname} in %{::site} of %{realm} at %{facts.networking.domain}, [%{lookup('flag')}]"
                flag_alias: "%{alias('flag')}"
                flag_lookup: "%{lookup('flag')}"
                unknown: "<%{lookup('nothing')}%{facts.ipaddress}>"
                unknown_alias: "%{alias('nothing')}"
                percent: "%{literal('%')}{HTTP_HOST} 100%"
                list: [{name: one}, {name: two}]
                inside: "%{lookup('list.1.name')}"
                named: {"%{hostname}": 1}
                role_of: "%{_role}"
                a::b::d: in the wrong file
                """,
            ["common/a/b.yaml"] = "a::b::c: in its file\n",
        };
        foreach ((string path, string text) in extra)
            files[path] = text;
        return HieraImport.Run(new(hierarchy, Nodes, files), "d");
    }
}
