using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>What others publish while a change in several releases is on its way. The server compares each part with its own documents only.</summary>
/// <param name="client">Where.</param>
/// <param name="space">The space.</param>
/// <param name="parts">All parts, in their order.</param>
internal sealed class ReleasesBetween(ConclaveClient client, string space, V1.Change[] parts)
{
    private const int PageMax = 1000;

    private readonly string[] _all = DocumentsOf(parts);

    /// <summary>Whether something stands in the way of the later parts before the first is published. That of the first is for the server to say.</summary>
    /// <returns>What stands in the way; null for nothing.</returns>
    public async Task<string?> BeforeFirstAsync(long looked, CancellationToken cancellationToken)
    {
        string[] later = [.. DocumentsOf(parts[1..]).Except(DocumentsOf(parts[..1]), StringComparer.Ordinal)];
        bool nodes = parts[1..].Any(TouchesNodes) && !TouchesNodes(parts[0]);
        if (later.Length == 0 && !nodes) return null;
        long head = (await client.Configuration.ReleasesAsync(new V1.ReleasesRequest { Space = space, Limit = 1 }, cancellationToken).ConfigureAwait(false)).Head;
        return await ConflictAsync(looked, head, later, nodes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether the releases behind one and up to another, none of them a part, stand in the way of the parts from one on.</summary>
    /// <returns>What stands in the way; null for nothing.</returns>
    public Task<string?> BeforeNextAsync(long after, long until, int next, CancellationToken cancellationToken) =>
        ConflictAsync(after, until, DocumentsOf(parts[next..]), parts[next..].Any(TouchesNodes), cancellationToken);

    private async Task<string?> ConflictAsync(long after, long until, string[] documents, bool nodes, CancellationToken cancellationToken)
    {
        // Who may read one document alone may still write that in parts. The newest that touched it is enough, and the part before is one: the search ends there.
        bool asksForOne = _all.Length == 1;
        for (long before = until + 1; before > after + 1 && documents.Length > 0;)
        {
            V1.ReleasesResponse answer = await client.Configuration.ReleasesAsync(new V1.ReleasesRequest
            {
                Space = space,
                Before = before,
                Limit = asksForOne ? 1 : Math.Min(before - after - 1, PageMax),
                Document = asksForOne ? _all[0] : "",
            }, cancellationToken).ConfigureAwait(false);
            foreach (V1.ReleaseInfo other in answer.Releases)
            {
                string[] both = [.. other.Documents.Intersect(documents, StringComparer.Ordinal)];
                if (other.Release > after && both.Length > 0)
                    return $"Release {other.Release} by {(other.Author.Length > 0 ? other.Author : "somebody")} has changed {string.Join(", ", both)} since it was looked at.";
            }

            if (asksForOne || answer.Releases.Count == 0) break;
            before = answer.Releases[^1].Release;
        }

        if (!nodes || until <= after) return null;
        V1.DiffResponse diff = await client.Configuration.DiffAsync(new V1.DiffRequest { Space = space, From = after, To = until }, cancellationToken).ConfigureAwait(false);
        return TouchesNodes(diff.Change) ? $"Nodes or dimensions have changed between r{after} and r{until}." : null;
    }

    private static bool TouchesNodes(V1.Change change) => change.Nodes.Count + change.Weights.Count > 0 || change.Dimensions is not null;

    private static string[] DocumentsOf(IEnumerable<V1.Change> changes) =>
        [.. changes.SelectMany(c => c.Entries.Select(e => e.Document).Concat(c.Schemas.Select(s => s.Document))).Distinct(StringComparer.Ordinal)];
}
