using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave put</c>: writes one key, from the command line or from standard input.</summary>
internal sealed class PutCommand : Command
{
    private const int InputBytesMax = 2 << 20;   // more than a server accepts, so that the server's own text is seen
    private readonly Argument<string> _key = new("key") { Description = "The key." };
    private readonly Argument<string?> _value = new("value") { Description = "The value; without it, all of standard input.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<long> _lease = new("--lease") { Description = "Delete the key when this lease ends.", CustomParser = LeaseId.Parse, HelpName = "id" };
    private readonly Option<bool> _prevKv = new("--prev-kv") { Description = "Print what the key held before." };
    private readonly Option<bool> _ignoreValue = new("--ignore-value") { Description = "Keep the value and change only the lease." };
    private readonly Option<bool> _ignoreLease = new("--ignore-lease") { Description = "Keep the lease and change only the value." };

    public PutCommand() : base("put", "Write a key.")
    {
        Add(_key);
        Add(_value);
        foreach (Option option in (Option[])[_lease, _prevKv, _ignoreValue, _ignoreLease]) Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(_key) is "") result.AddError("The key is empty.");
            if (result.GetValue(_ignoreValue) && result.GetValue(_value) is not null) result.AddError("--ignore-value and a value exclude each other.");
            if (result.GetValue(_ignoreLease) && result.GetResult(_lease) is not null) result.AddError("--ignore-lease and --lease exclude each other.");
        });
    }

    public Bytes Key(ParseResult parsed) => parsed.GetRequiredValue(_key);

    /// <summary>The value on the command line; null when it is to come from elsewhere.</summary>
    public Bytes? Value(ParseResult parsed)
    {
        if (parsed.GetValue(_value) is { } text) return (Bytes)text;
        if (parsed.GetValue(_ignoreValue)) return Bytes.Empty;
        return null;
    }

    public PutOptions Writing(ParseResult parsed) => new()
    {
        LeaseId = parsed.GetValue(_lease),
        ReturnPrevious = parsed.GetValue(_prevKv),
        KeepValue = parsed.GetValue(_ignoreValue),
        KeepLease = parsed.GetValue(_ignoreLease),
    };

    public PutCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            Bytes? value = Value(parsed);
            if (value is null && terminal.IsInputInteractive)
            {
                terminal.Fail("No value was given.", $"Write: conclave put {Display.Line(Key(parsed))} VALUE, or send the value through standard input.");
                return ExitCode.Usage;
            }

            value ??= await ReadAllAsync(terminal.Input, cancellationToken).ConfigureAwait(false);
            PutResult put = await client.PutAsync(Key(parsed), value.Value, Writing(parsed), cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, put.Header);
                    Json.Result(json, put);
                });
            }
            else
            {
                terminal.Out.WriteLine($"OK revision {put.Header.Revision}");
                if (put.Previous is { } previous) terminal.Out.WriteLine($"previous\t{Display.Line(previous.Key)}\t{Display.Line(previous.Value)}");
            }

            return ExitCode.Done;
        }));
        return this;
    }

    private static async Task<Bytes> ReadAllAsync(Stream input, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[InputBytesMax + 1];
        int filled = await input.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return new Bytes(buffer.AsMemory(0, filled));
    }
}
