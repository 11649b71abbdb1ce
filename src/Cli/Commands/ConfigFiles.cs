using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Files in, and many edits out: a change that is too large for one release becomes several.</summary>
internal static class ConfigFiles
{
    /// <summary>Canonical bytes of edits in one release; a server takes 1.5 MiB less a little.</summary>
    private const int ReleaseBytesMax = 1 << 20;

    /// <exception cref="ArgumentException">It cannot be read.</exception>
    public static async Task<string> ReadAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file.FullName, new UTF8Encoding(false, throwOnInvalidBytes: true), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new ArgumentException($"Cannot read {file.FullName}: {e.Message}", e);
        }
    }

    /// <summary>Publishes edits, or puts them into a draft; in several releases where they are too many for one, and then in their order.</summary>
    public static async Task<int> PublishAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, ImmutableArray<Edit> edits, Dimensions dimensions, CancellationToken cancellationToken)
    {
        if (edits.IsEmpty)
        {
            options.Print(parsed, new V1.PublishResponse { Unchanged = true }, () => options.Terminal.Out.WriteLine("nothing to do"));
            return ExitCode.Done;
        }

        V1.Change[] parts = [.. Split(edits).Select(part => ChangeMessages.Of(part, dimensions))];
        if (parts.Length == 1 || options.IsDraft(parsed)) return await OneByOneAsync(options, client, parsed, parts, cancellationToken).ConfigureAwait(false);
        if (options.HasStrategy(parsed)) throw new ArgumentException($"This is too much for one release ({parts.Length} would be needed), and a rollout is of one release. Publish it without --strategy, or less at once.");
        string reason = options.Reason(parsed);
        for (int i = 0; i < parts.Length; i++)
        {
            int code = await options.PublishAsync(client, parsed, new V1.PublishRequest
            {
                Space = options.Space(parsed),
                Change = parts[i],
                Author = options.Author,
                Reason = $"{reason} ({i + 1} of {parts.Length})",
                Ticket = options.Ticket(parsed),
            }, cancellationToken).ConfigureAwait(false);
            if (code != ExitCode.Done) return code;
        }

        return ExitCode.Done;
    }

    private static async Task<int> OneByOneAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, V1.Change[] parts, CancellationToken cancellationToken)
    {
        int code = ExitCode.Done;
        foreach (V1.Change part in parts)
        {
            code = await options.ChangeAsync(client, parsed, part, cancellationToken).ConfigureAwait(false);
            if (code != ExitCode.Done) break;
        }

        return code;
    }

    private static IEnumerable<List<Edit>> Split(ImmutableArray<Edit> edits)
    {
        var part = new List<Edit>();
        long bytes = 0;
        foreach (Edit edit in edits)
        {
            long size = 64 + edit switch
            {
                EntryEdit entry => entry.Key.Length + entry.Document.Length + entry.Scope.ToString().Length + (entry.Entry?.Value.ToBytes().Length ?? 0),
                SchemaEdit schema => schema.Key.Length + (schema.Schema is { } known ? SchemaJson.Write(known).Length : 0),
                NodeEdit node => node.Node.Length + (node.Assignment?.ToString().Length ?? 0),
                _ => 0,
            };
            if (part.Count > 0 && bytes + size > ReleaseBytesMax)
            {
                yield return part;
                part = [];
                bytes = 0;
            }

            part.Add(edit);
            bytes += size;
        }

        yield return part;
    }
}
