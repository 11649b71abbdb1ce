using System.CommandLine;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Layers;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave secret</c>: values that are sealed before they are stored. None of these commands prints one.</summary>
internal sealed class SecretCommands(ConfigOptions options)
{
    private const int ValueBytesMax = 64 << 10;

    public Command All() => new("secret", "Secrets that values refer to as %{secret:NAME}.") { Set(), List(), Remove(), Rotate() };

    private Command Set()
    {
        Argument<string> name = new("name") { Description = "1 to 128 letters, digits, dots, dashes, underscores and slashes: mq/nova." };
        Argument<string?> dash = new("-") { Description = "The value comes from standard input, as --from-file - says, too.", Arity = ArgumentArity.ZeroOrOne, HelpName = "-" };
        Option<string?> file = new("--from-file") { Description = "The value is the content of this file without the line end behind it; - is standard input.", HelpName = "file" };
        Option<bool> json = new("--json") { Description = "The value is JSON: a number, a list. Without it, it is text." };
        Option<bool> missing = new("--if-missing") { Description = "Fail when it is there." };
        return options.Run(new Command("set", "Write a secret: asked for on a terminal, else from a file or standard input.") { name, dash, file, json, missing }, async (client, parsed, cancellationToken) =>
        {
            string secret = parsed.GetRequiredValue(name);
            if (parsed.GetValue(dash) is { } word && word != "-") throw new ArgumentException("A secret is not given on the command line, where everybody on this machine can see it. Use --from-file, standard input, or run this on a terminal to be asked.");
            string text = Read(secret, parsed.GetValue(dash) is not null ? "-" : parsed.GetValue(file));
            if (parsed.GetValue(json) && !ValueJson.TryParse(text, out _, out _)) throw new ArgumentException("The value is no JSON; leave --json out for text.");
            V1.PutSecretResponse put = await client.Configuration.PutSecretAsync(new V1.PutSecretRequest
            {
                Space = options.Space(parsed),
                Name = secret,
                Value = parsed.GetValue(json) ? text : Value.Of(text).ToString(),
                IfMissing = parsed.GetValue(missing),
            }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, put, () => options.Terminal.Out.WriteLine($"{secret} version {put.Version} <secret {put.Fingerprint}>"));
            return ExitCode.Done;
        });
    }

    private Command List()
    {
        Argument<string?> prefix = new("prefix") { Description = "Only names that begin so; entry/ shows those of values that were sealed when they were published.", Arity = ArgumentArity.ZeroOrOne };
        return options.Run(new Command("list", "Print names, versions and fingerprints, and who uses them. Exit code 1 when there are none.") { prefix }, async (client, parsed, cancellationToken) =>
        {
            V1.SecretsResponse answer = await client.Configuration.SecretsAsync(new V1.SecretsRequest { Space = options.Space(parsed), Prefix = parsed.GetValue(prefix) ?? "" }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["name", "version", "fingerprint", "key", "time", "author", "used by"],
                answer.Secrets.Select(s => (string[])[s.Name, $"{s.Version}", s.Fingerprint, s.KeyId, ConfigOptions.Time(s.UnixMs), s.Author, string.Join(", ", s.UsedBy)])));
            return answer.Secrets.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    private Command Remove()
    {
        Argument<string> name = new("name") { Description = "The secret." };
        return options.Run(new Command("rm", "Drop a secret that nothing refers to.") { name }, async (client, parsed, cancellationToken) =>
        {
            V1.DropSecretResponse dropped = await client.Configuration.DropSecretAsync(new V1.DropSecretRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, dropped, () => options.Terminal.Out.WriteLine($"{parsed.GetRequiredValue(name)} dropped"));
            return ExitCode.Done;
        });
    }

    private Command Rotate()
    {
        Option<bool> all = new("--all-spaces") { Description = "Of all spaces." };
        return options.Run(new Command("rotate", "Put all secrets under the first key of the key file. Values and versions stay as they are.") { all }, async (client, parsed, cancellationToken) =>
        {
            V1.RotateSecretsResponse done = await client.Configuration.RotateSecretsAsync(new V1.RotateSecretsRequest { Space = parsed.GetValue(all) ? "*" : options.Space(parsed) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, done, () => options.Terminal.Out.WriteLine($"{ConfigOptions.Count(done.Rewrapped, "secret")} put under key {done.KeyId}"));
            return ExitCode.Done;
        });
    }

    private string Read(string name, string? from)
    {
        if (from is null && options.Terminal.AskSecret is { } ask)
        {
            string? first = ask($"Secret {name}: ");
            if (ask("The same again: ") != first) throw new ArgumentException("The two differ; nothing was changed.");
            return first is { Length: > 0 } typed ? typed : throw new ArgumentException("The secret is empty; nothing was changed.");
        }

        using Stream source = from is null or "-" ? options.Terminal.Input : Open(from);
        byte[] bytes = new byte[ValueBytesMax + 2];
        int length = source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        ReadOnlySpan<byte> value = bytes.AsSpan(0, length);
        if (value is [.., (byte)'\n']) value = value[..^1];
        if (value.Length == 0) throw new ArgumentException($"There is no secret {(from is null or "-" ? "on standard input" : $"in {from}")}; nothing was changed.");
        if (value.Length > ValueBytesMax) throw new ArgumentException($"The secret is longer than {ValueBytesMax} bytes; nothing was changed.");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(value);
        }
        catch (DecoderFallbackException)
        {
            throw new ArgumentException("The secret is no text; encode bytes as base64.");
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{path} cannot be read: {e.Message}");
        }
    }
}
