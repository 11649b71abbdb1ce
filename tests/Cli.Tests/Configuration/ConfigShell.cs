using System.Text;
using System.Text.Json;
using Conclave.Extensions.Tests;

[assembly: AssemblyFixture(typeof(SharedNode))]

namespace Conclave.Cli.Tests.Configuration;

/// <summary>Commands for layered configuration, in a space of their own on the node that all tests share.</summary>
internal sealed class ConfigShell(RunningNode node, string space)
{
    public Shell Shell { get; } = new Shell(node.Endpoint.OriginalString).With("CONCLAVE_SPACE", space).With("USER", "amy");

    /// <summary>With the dimensions region, aggregate*, role and host, and the nodes c17 (eu) and c18 (us), both compute: releases 1 to 3.</summary>
    public static async Task<ConfigShell> WithNodesAsync(SharedNode shared, string space)
    {
        var shell = new ConfigShell(shared.Node, space);
        await shell.DoneAsync("dims", "set", "region", "aggregate*", "role", "host", "-m", "how our nodes differ");
        await shell.DoneAsync("node", "set", "c17", "region=eu", "role=compute", "-m", "first hosts");
        await shell.DoneAsync("node", "set", "c18", "region=us", "role=compute", "-m", "first hosts");
        return shell;
    }

    public Task<Answer> RunAsync(params string[] arguments) => Shell.RunAsync(arguments);

    /// <summary>Runs what has to end with an exit code, and returns what it printed.</summary>
    public async Task<string> EndsAsync(int code, params string[] arguments)
    {
        Answer answer = await RunAsync(arguments);
        Assert.True(answer.Code == code, $"conclave {string.Join(' ', arguments)} ended with {answer.Code}, not {code}.\n{answer.Out}{answer.Error}");
        return answer.Out;
    }

    public Task<string> DoneAsync(params string[] arguments) => EndsAsync(0, arguments);

    /// <summary>Runs it with -o json, and returns the one object that it prints.</summary>
    public async Task<JsonElement> JsonAsync(int code, params string[] arguments)
    {
        string text = await EndsAsync(code, [.. arguments, "-o", "json"]);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', text[..^1]);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Runs it as a person at a terminal would, who types an answer.</summary>
    public Task<Answer> AskedAsync(string typed, params string[] arguments) => AskedAsync(() => Task.CompletedTask, typed, arguments);

    /// <summary>The same, and before the answer something else happens.</summary>
    public async Task<Answer> AskedAsync(Func<Task> meanwhile, string typed, params string[] arguments)
    {
        using MemoryStream input = new Typed(meanwhile, Encoding.UTF8.GetBytes(typed)), output = new();
        StringWriter error = new() { NewLine = "\n" };
        int code = await CommandLine.RunAsync(arguments, Shell.Terminal(input, output, error, isInteractive: true) with { IsInputInteractive = true }, TestContext.Current.CancellationToken);
        return new Answer(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    /// <summary>Runs it with its output going to a stream that does something when a line begins so, once, before the command goes on.</summary>
    public async Task<Answer> MeanwhileAsync(string line, Func<Task> meanwhile, params string[] arguments)
    {
        using Watched output = new(line, meanwhile);
        StringWriter error = new() { NewLine = "\n" };
        int code = await CommandLine.RunAsync(arguments, Shell.Terminal(Stream.Null, output, error, isInteractive: false), TestContext.Current.CancellationToken);
        return new Answer(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private sealed class Watched(string line, Func<Task> meanwhile) : MemoryStream
    {
        private bool _isDone;

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer.ToArray(), 0, buffer.Length);
            if (_isDone || !Encoding.UTF8.GetString(ToArray()).Contains(line, StringComparison.Ordinal)) return;
            _isDone = true;
            Task.Run(meanwhile).GetAwaiter().GetResult();
        }
    }

    private sealed class Typed(Func<Task> first, byte[] text) : MemoryStream(text)
    {
        private bool _isAsked;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_isAsked) await first();
            _isAsked = true;
            return Read(buffer.Span);
        }
    }

    /// <summary>Names of members, and of those of the first element of lists: "head releases[author documents[] ...]".</summary>
    public static string Shape(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => string.Join(' ', value.EnumerateObject().Select(m => m.Value.ValueKind switch
        {
            JsonValueKind.Array => $"{m.Name}[{(m.Value.GetArrayLength() > 0 ? Shape(m.Value[0]) : "")}]",
            JsonValueKind.Object => $"{m.Name}({Shape(m.Value)})",
            _ => m.Name,
        })),
        _ => "",
    };
}
