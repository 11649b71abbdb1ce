using System.Collections.Immutable;
using Conclave.Layers;

// Guards docs/layers.md, "Cost": 10,000 hosts x 500 keys over 200 classes, 5 entries of its own for every host.
const int Hosts = 10_000, Keys = 500;

long before = GC.GetTotalMemory(forceFullCollection: true);
(ImmutableArray<Edit> edits, ResolutionInputs inputs) = Space();
Fleet fleet = Fleet.Of(ConfigState.Initial);
foreach (Edit[] part in edits.Chunk(20_000))   // a change holds 4 MiB
{
    PublishResult result = fleet.Publish(new(new(fleet.State.Release, [.. part]), new ReleaseNote { Author = "bench" }, fleet.State.Release));
    if (!result.IsPublished)
        throw new InvalidOperationException(string.Join('\n', result.Problems));
    fleet = result.Fleet;
}
ConfigState loaded = fleet.State;
Console.WriteLine($"{fleet.ClassCount} classes, {loaded.EntryCount:N0} entries");
byte[] checkpoint = Time("write a checkpoint", loaded.ToBytes);
Console.WriteLine($"  {checkpoint.Length / 1e6:N1} MB");
loaded = Time("read it", () => ConfigState.FromBytes(checkpoint));
(edits, fleet, checkpoint) = ([], null!, null!);   // so that memory shows what stays
long withState = GC.GetTotalMemory(forceFullCollection: true);
fleet = Time("resolve the whole fleet from nothing", () => Fleet.Of(loaded));
fleet = Repeat("resolve the whole fleet from nothing, warm", 5, _ => Fleet.Of(loaded));
long withFleet = GC.GetTotalMemory(forceFullCollection: true);
Console.WriteLine($"  memory: state with history {(withState - before) / 1e6:N0} MB, classes and overlays {(withFleet - withState) / 1e6:N1} MB");

Repeat("one key, one node", 2_000_000, i => fleet.EffectiveKey(Host(i % Hosts), "nova", Key(i % Keys), inputs));
Repeat("one key with a reference, one node", 200_000, i => fleet.EffectiveKey(Host(i % Hosts), "nova", "DEFAULT/url", inputs));
Repeat("one key with a fact, one node", 200_000, i => fleet.EffectiveKey(Host(i % Hosts), "nova", "DEFAULT/my_ip", inputs));
Time("first document of every class", () => { for (int i = 0; i < Hosts; i++) fleet.Effective(Host(i), "nova", inputs); return fleet; });
Repeat("whole document, one node (own entries and a fact)", 20_000, i => fleet.Effective(Host(i % Hosts), "nova", inputs)!);
Repeat("whole document with its hash", 2_000, i => fleet.Effective(Host(i % Hosts), "nova", inputs)!.Hash.Length);
Repeat("explain one key", 20_000, i => fleet.Explain(Host(i % Hosts), "nova", Key(i % Keys), inputs)!);

Edit global = Entry(Scope.Everything, Key(401), "changed"), masked = Entry(Scope.Everything, Key(0), "changed"), own = Entry(Scope.Of("host", Host(5)), Key(9), "changed");
foreach ((string name, Edit edit) in new[] { ("1 global key", global), ("1 global key that all others hide", masked), ("1 key of one host", own) })
{
    var change = new Change(fleet.State.Release, [edit]);
    Plan plan = Repeat($"plan {name}", 20, _ => fleet.Plan(change, new ReleaseNote { Author = "amy" }, inputs));
    Console.WriteLine($"  {plan.Impact}");
    PublishResult published = Repeat($"publish {name}, checked before", 50, _ => fleet.Publish(plan.Record!));
    Time($"first delta for every host of {name}", () =>
    {
        FleetDelta delta = fleet.DeltaTo(published.Fleet, inputs, inputs);
        int changed = 0;
        for (int i = 0; i < Hosts; i++)
            changed += delta.For(Host(i), "nova")!.IsEmpty ? 0 : 1;
        Console.WriteLine($"  {changed:N0} hosts get something");
        return delta;
    });
}

static T Time<T>(string what, Func<T> run) => Repeat(what, 1, _ => run());

static T Repeat<T>(string what, int times, Func<int, T> run)
{
    T result = default!;
    if (times > 1)
        result = run(0);   // what is measured once is meant to show the first time
    GC.Collect();
    TimeSpan start = Environment.CpuUsage.TotalTime;   // the machine may be busy with something else: processor time, collector included
    for (int i = 0; i < times; i++)
        result = run(i);
    double microseconds = (Environment.CpuUsage.TotalTime - start).TotalMicroseconds / times;
    Console.WriteLine($"{(microseconds >= 1000 ? $"{microseconds / 1000:N2} ms" : $"{microseconds:N2} us"),12}  {what}");
    return result;
}

static string Host(int i) => $"c{i:00000}";

static string Key(int i) => $"section{i % 25}/option_{i:000}";

static EntryEdit Entry(Scope scope, string key, string value) => new("nova", scope, key, Conclave.Layers.Entry.Set(Value.Of(value)));

static (ImmutableArray<Edit>, ResolutionInputs) Space()
{
    var edits = ImmutableArray.CreateBuilder<Edit>();
    edits.Add(new DimensionsEdit([new("region"), new("aggregate", IsMultiValued: true), new("hardware"), new("role"), new("host")], "host"));
    ResolutionInputs inputs = ResolutionInputs.None;
    for (int i = 0; i < Hosts; i++)
    {
        int c = i % 200;
        edits.Add(new NodeEdit(Host(i), Assignment.Of(new("region", $"r{c % 10}"), new("aggregate", $"a{c / 10 % 5}"), new("hardware", $"h{c / 50}"), new("role", "compute"))));
        inputs = inputs.WithFacts(Host(i), [new("mgmt_ip", Value.Of($"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"))]);
    }
    for (int k = 0; k < Keys - 2; k++)
        edits.Add(Entry(Scope.Everything, Key(k), $"value of option {k} for everybody"));
    edits.Add(Entry(Scope.Everything, "DEFAULT/url", $"rabbit://%{{key:{Key(401)}}}:5672/"));
    edits.Add(Entry(Scope.Everything, "DEFAULT/my_ip", "%{fact:mgmt_ip}"));
    for (int v = 0; v < 10; v++)
        for (int k = 0; k < 50; k++)
            edits.Add(Entry(Scope.Of("region", $"r{v}"), Key(k * 3), $"of region {v}"));
    for (int v = 0; v < 5; v++)
        for (int k = 0; k < 30; k++)
            edits.Add(Entry(Scope.Of("aggregate", $"a{v}"), Key(k * 5), $"of aggregate {v}"));
    for (int v = 0; v < 4; v++)
        for (int k = 0; k < 20; k++)
            edits.Add(Entry(Scope.Of("hardware", $"h{v}"), Key(k * 7), $"of hardware {v}"));
    edits.Add(Entry(Scope.Of("role", "compute"), Key(0), "of compute hosts"));
    for (int i = 0; i < Hosts; i++)
        for (int k = 0; k < 5; k++)
            edits.Add(Entry(Scope.Of("host", Host(i)), Key((i + k * 97) % (Keys - 2)), $"of {Host(i)}"));
    return (edits.ToImmutable(), inputs);
}
