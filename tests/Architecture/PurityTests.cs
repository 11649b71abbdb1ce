namespace Conclave.Architecture;

/// <summary>The cores know no clock, thread, file, socket or randomness, so the simulator owns all of them.</summary>
public class PurityTests
{
    /// <summary>What a core must not mention, and what to use instead.</summary>
    private static readonly (string Banned, string Instead)[] Rules =
    [
        ("System.DateTime.", "ticks or milliseconds passed in"),
        ("System.DateTimeOffset.", "ticks or milliseconds passed in"),
        ("System.TimeProvider.", "ticks or milliseconds passed in"),
        ("System.Environment.get_TickCount", "ticks or milliseconds passed in"),
        ("System.Environment.get_ProcessorCount", "options"),
        ("System.Environment.GetEnvironmentVariable", "options"),
        ("System.Diagnostics.Stopwatch.", "ticks or milliseconds passed in"),
        ("System.Random.", "a seeded source passed in"),
        ("System.Security.Cryptography.RandomNumberGenerator.", "a seeded source passed in"),
        ("System.Guid.NewGuid", "an id put into the entry by the leader"),
        ("System.Threading.Tasks.", "inputs and effects"),
        ("System.Threading.Thread.", "inputs and effects"),
        ("System.Threading.Timer.", "ticks passed in"),
        ("System.IO.File", "the file port of src/Storage"),
        ("System.IO.Directory", "the file port of src/Storage"),
        ("System.IO.RandomAccess", "the file port of src/Storage"),
        ("System.Net.", "messages in the output"),
        ("System.Console.", "effects"),
        ("Microsoft.Extensions.", "effects"),
    ];

    [Theory]
    [InlineData("Conclave.Raft")]
    [InlineData("Conclave.Store")]
    [InlineData("Conclave.Layers")]
    public void A_core_is_pure(string assembly)
    {
        using var compiled = new CompiledAssembly(assembly);
        string[] mentioned = [.. compiled.Members(), .. compiled.Types().Select(type => type + ".")];

        Assert.Empty(
            from member in mentioned
            from rule in Rules
            where member.StartsWith(rule.Banned, StringComparison.Ordinal)
            select $"{assembly} uses {member.TrimEnd('.')}; use {rule.Instead}");
    }

    [Fact]
    public void Storage_reaches_the_disk_only_through_its_port()
    {
        using var compiled = new CompiledAssembly("Conclave.Storage");

        Assert.DoesNotContain(compiled.Members(), m => m.StartsWith("System.Net.", StringComparison.Ordinal) || m.StartsWith("System.DateTime.", StringComparison.Ordinal)
            || m.StartsWith("System.Threading.Tasks.", StringComparison.Ordinal));
    }
}
