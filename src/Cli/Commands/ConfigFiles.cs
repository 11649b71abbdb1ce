using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using Conclave.Layers.Wire;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Files in, and many edits out: a change that is too large for one release becomes several.</summary>
internal static class ConfigFiles
{
    /// <summary>Canonical bytes of edits in one release; a server takes 1.5 MiB less a little.</summary>
    private const int ReleaseBytesMax = 1 << 20;

    /// <summary>Bytes of a draft. It is one key, so it is never split: what is behind the first part could not be checked, and would be a conflict with it.</summary>
    private const int DraftBytesMax = (3 << 19) - (64 << 10);

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
    /// <param name="options">How to publish.</param>
    /// <param name="client">Where.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="edits">The edits.</param>
    /// <param name="cancellationToken">Stops it; the parts published by then stay.</param>
    /// <param name="look">What they were made from; null: they hold whatever was there before.</param>
    public static async Task<int> PublishAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, ImmutableArray<Edit> edits, CancellationToken cancellationToken, Look? look = null)
    {
        if (edits.IsEmpty)
        {
            options.Print(parsed, new V1.PublishResponse { Unchanged = true }, () => options.Terminal.Out.WriteLine("nothing to do"));
            return ExitCode.Done;
        }

        if (options.IsDraft(parsed)) return await PutDraftAsync(options, client, parsed, ChangeMessages.Of(edits, Dimensions.Initial), cancellationToken).ConfigureAwait(false);
        V1.Change[] parts = Parts(edits);
        if (parts.Length > 1 && options.HasStrategy(parsed)) throw new ArgumentException($"This is too much for one release ({parts.Length} would be needed), and a rollout is of one release. Publish it without --strategy, or less at once.");
        string reason = options.Reason(parsed);
        long basis = look?.Release ?? 0;
        ReleasesBetween? others = look is not null && parts.Length > 1 ? new ReleasesBetween(client, options.Space(parsed), parts) : null;
        // Before the first: what is found later leaves half of it.
        if (others is not null && await others.BeforeFirstAsync(basis, cancellationToken).ConfigureAwait(false) is { } early) return Conflict(early, 0);
        int done = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            var request = new V1.PublishRequest
            {
                Space = options.Space(parsed),
                Change = parts[i],
                Author = options.Author,
                Reason = parts.Length == 1 ? reason : $"{reason} ({i + 1} of {parts.Length})",
                Ticket = options.Ticket(parsed),
                Base = basis,
            };
            try
            {
                (int code, V1.PublishResponse published) = await options.PublishAsync(client, parsed, request, cancellationToken).ConfigureAwait(false);
                if (code != ExitCode.Done) return code;
                done = i + 1;
                await options.Terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);   // the next may take its time
                if (others is null || published.Unchanged || i + 1 == parts.Length) continue;
                // The next part must not meet this one as a conflict, so what came between is compared with the rest here.
                if (await others.BeforeNextAsync(basis, published.Release - 1, i + 1, cancellationToken).ConfigureAwait(false) is { } between) return Conflict(between, done);
                basis = published.Release;
            }
            catch (ConclaveException conflict) when (look is not null && IsConflict(conflict))
            {
                return Conflict(conflict.Message, done);
            }
            catch (ConclaveException) when (done > 0)
            {
                options.Terminal.Error.WriteLine($"Parts 1 to {done} of {parts.Length} are published.");   // what came of this one is said by the failure
                throw;
            }
        }

        return ExitCode.Done;

        int Conflict(string what, int before)
        {
            options.Terminal.Fail(before == 0 ? what : $"{what}\nParts 1 to {before} of {parts.Length} are published, the rest is not.", look?.Remedy);
            return ExitCode.Conflict;
        }
    }

    /// <summary>Whether somebody was faster with the same documents.</summary>
    public static bool IsConflict(ConclaveException failure) => failure.Code == GrpcCode.Aborted && failure.Message.StartsWith(ProblemCodes.Conflict, StringComparison.Ordinal);

    /// <summary>The edits in as few releases as hold them.</summary>
    public static V1.Change[] Parts(ImmutableArray<Edit> edits) => [.. Split(edits).Select(part => ChangeMessages.Of(part, Dimensions.Initial))];

    private static async Task<int> PutDraftAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, V1.Change change, CancellationToken cancellationToken)
    {
        if (change.CalculateSize() is > DraftBytesMax and var bytes)
        {
            options.Terminal.Fail($"This is too much for a draft: {bytes:N0} bytes, and {DraftBytesMax:N0} are allowed. The draft is as it was.",
                "Publish it at once with -m, in several releases; what does not please is taken back with conclave rollback. Or put less into the draft.");
            return ExitCode.Validation;
        }

        return await options.ChangeAsync(client, parsed, change, cancellationToken).ConfigureAwait(false);
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

        if (part.Count > 0) yield return part;
    }
}
