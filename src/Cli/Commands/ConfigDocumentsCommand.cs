using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave documents</c>: what documents there are; and of one, its keys and the scopes that say something of them.</summary>
internal sealed class ConfigDocumentsCommand(ConfigOptions options)
{
    private const int ScopesShown = 4;

    public Command Create()
    {
        Argument<string?> document = new("document") { Description = "Print the keys of this one.", Arity = ArgumentArity.ZeroOrOne };
        return options.Run(options.WithAt(new Command("documents", "Print what documents there are, or the keys of one and who says something of them. Exit code 1 when there is none.") { document }), async (client, parsed, cancellationToken) =>
        {
            var request = new V1.DocumentsRequest { Space = options.Space(parsed), Document = parsed.GetValue(document) ?? "", At = options.At(parsed) };
            V1.DocumentsResponse answer = await AllAsync(client, request, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                if (request.Document.Length > 0)
                    Rows.Write(options.Terminal, ["key", "type", "entries", "scopes"], answer.Keys.Select(k => (string[])[k.Key, k.Secret ? k.Type + " secret" : k.Type, $"{k.Entries}", Scopes(k)]));
                else
                    Rows.Write(options.Terminal, ["document", "keys", "entries", "scopes", "schemas", "changed"], answer.Documents.Select(d => (string[])[d.Document, $"{d.Keys}", $"{d.Entries}", $"{d.Scopes}", $"{d.Schemas}", $"r{d.Changed}"]));
            });
            if (answer.Documents.Count == 0) options.Terminal.Fail($"There is no document that you may read at r{answer.Release}.");
            return answer.Documents.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    private static string Scopes(V1.KeyInfo key) =>
        string.Join(' ', key.Scopes.Take(ScopesShown)) + (key.Entries > ScopesShown ? $" and {key.Entries - ScopesShown} more" : "");

    /// <summary>All pages of keys as one, of one release.</summary>
    private static async Task<V1.DocumentsResponse> AllAsync(ConclaveClient client, V1.DocumentsRequest request, CancellationToken cancellationToken)
    {
        V1.DocumentsResponse all = await client.Configuration.DocumentsAsync(request, cancellationToken).ConfigureAwait(false);
        while (all.More && all.Keys.Count > 0)
        {
            (request.At, request.AfterKey) = (new V1.At { Release = all.Release }, all.Keys[^1].Key);
            V1.DocumentsResponse next = await client.Configuration.DocumentsAsync(request, cancellationToken).ConfigureAwait(false);
            all.Keys.AddRange(next.Keys);
            all.More = next.More && next.Keys.Count > 0;
        }

        return all;
    }
}
