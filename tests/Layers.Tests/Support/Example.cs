namespace Conclave.Layers.Tests.Support;

/// <summary>The worked example of the design: compute hosts of two regions, aggregates and hardware, document nova.</summary>
internal static class Example
{
    public static Fleet Start()
    {
        var nodes = Enumerable.Range(1, 42).Select(i => new NodeEdit($"c{i:00}", Of("eu", "ssd", "dl380", "compute")))
            .Append(new NodeEdit("ctl1", Of("eu", null, "dl380", "controller"))).Append(new NodeEdit("u01", Of("us", "ssd", "dl360", "compute")));
        return Published(Fleet.Of(ConfigState.Initial),
        [
            new DimensionsEdit([new("site"), new("region"), new("aggregate", IsMultiValued: true), new("hardware"), new("role"), new("host")], "host"),
            .. nodes,
            new SchemaEdit("nova", "DEFAULT/instances_path", new() { Type = KeyType.String, Uniform = "aggregate" }),
            new SchemaEdit("nova", "DEFAULT/rabbit_port", new() { Type = KeyType.Integer, Minimum = 0, Maximum = 65535 }),
            new SchemaEdit("nova", "pci/device_spec", new() { Type = KeyType.List, Merge = MergeKind.Append, OneLinePerElement = true }),
            new SchemaEdit("nova", "DEFAULT/debug", new() { Type = KeyType.Boolean, Apply = ApplyKind.Live }),
            Set("*", "DEFAULT/rabbit_host", "mq.global.example"),
            Set("*", "DEFAULT/rabbit_port", 5672),
            Set("*", "DEFAULT/transport_url", "rabbit://nova:%{secret:rabbit/nova}@%{key:DEFAULT/rabbit_host}:%{key:DEFAULT/rabbit_port}/"),
            Set("*", "DEFAULT/instances_path", "/var/lib/nova/instances"),
            Set("*", "DEFAULT/my_ip", "%{fact:mgmt_ip}"),
            new EntryEdit("nova", ScopeOf("*"), "glance/api_servers", Entry.Set(Value.ListOf(Value.Of("http://%{node:ctl1/nova/DEFAULT/my_ip}:9292")))),
            Set("region=eu", "DEFAULT/rabbit_host", "mq.eu.example"),
            Set("aggregate=ssd", "DEFAULT/instances_path", "/srv/ssd/instances"),
            Append("aggregate=ssd", "pci/device_spec", """{"vendor_id":"144d"}"""),
            Set("hardware=dl380", "DEFAULT/reserved_host_memory_mb", 16384),
            Append("hardware=dl380", "pci/device_spec", """{"vendor_id":"8086"}"""),
            new EntryEdit("nova", ScopeOf("host=c17"), "DEFAULT/debug", Entry.Set(Value.True)),
        ]);
    }

    public static ResolutionInputs Facts => Enumerable.Range(1, 42).Aggregate(ResolutionInputs.None, (inputs, i) => inputs.WithFacts($"c{i:00}", [new("mgmt_ip", Value.Of($"10.2.0.{i}"))]))
        .WithFacts("ctl1", [new("mgmt_ip", Value.Of("10.2.0.100"))]).WithFacts("u01", [new("mgmt_ip", Value.Of("10.3.0.1"))]);

    public static Scope ScopeOf(string text) => Scope.TryParse(text, out Scope? scope, out string problem) ? scope : throw new ArgumentException(problem);

    public static EntryEdit Set(string scope, string key, string value) => new("nova", ScopeOf(scope), key, Entry.Set(Value.Of(value)));

    public static EntryEdit Set(string scope, string key, long value) => new("nova", ScopeOf(scope), key, Entry.Set(Value.Of(value)));

    public static EntryEdit Final(string scope, string key, string value) => new("nova", ScopeOf(scope), key, Entry.Final(Value.Of(value)));

    public static EntryEdit Append(string scope, string key, string value) => new("nova", ScopeOf(scope), key, Entry.Append(Value.Of(value)));

    public static Plan Plan(this Fleet fleet, params Edit[] edits) => fleet.Plan(new Change(fleet.State.Release, [.. edits]), new ReleaseNote { Author = "amy", Reason = "test" }, Facts);

    public static Fleet Published(this Fleet fleet, params Edit[] edits)
    {
        Plan plan = fleet.Plan(edits);
        Assert.True(plan.Record is not null, string.Join('\n', plan.Problems));
        PublishResult result = fleet.Publish(plan.Record);
        Assert.True(result.IsPublished, string.Join('\n', result.Problems));
        return result.Fleet;
    }

    private static Assignment Of(string region, string? aggregate, string hardware, string role) => Assignment.Of(
        [new("region", region), new("hardware", hardware), new("role", role), .. aggregate is null ? Array.Empty<ScopePair>() : [new("aggregate", aggregate)]]);
}
