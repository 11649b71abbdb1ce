using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Conclave.Client;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What one pass would do, without doing it: nothing is written, run or reported.</summary>
public static class DryRun
{
    /// <param name="options">What to do.</param>
    /// <param name="client">The cluster.</param>
    /// <param name="write">Takes lines: a diff for each file, secrets masked.</param>
    /// <param name="timeout">How long to wait for the documents.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether something would change.</returns>
    /// <exception cref="ConclaveException">The documents cannot be had.</exception>
    public static async Task<bool> RunAsync(AgentOptions options, ConclaveClient client, Action<string> write, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var files = new PosixFiles();
        Started before = new StateDirectory(files, options.StateDirectory).Load(options, out _);
        Dictionary<string, AgentDocument> documents = await FetchAsync(options, client, timeout, cancellationToken).ConfigureAwait(false);
        bool changes = false;
        foreach (FileOptions file in options.Files)
        {
            if (!documents.TryGetValue(file.Document, out AgentDocument? document))
            {
                write($"{file.Path}: the server sends nothing of {file.Document} now: facts that it needs may not be reported yet");
                changes = true;
                continue;
            }

            GroupVersion? good = before.Groups.GetValueOrDefault(file.Group)?.Good;
            string[] secrets = [.. document.Secrets, .. Masking.SecretsOf(good, before.Groups.GetValueOrDefault(file.Group)?.Next)];
            if (FileRendering.Render(file, document, out string problem) is not { } content)
            {
                write($"{file.Path}: would be rejected: {Masking.Hide(problem, secrets)}");
                changes = true;
                continue;
            }

            if (Guard.Refusal(good?.Document(file.Document), document, file.ShrinkMax) is { } refusal)
            {
                write($"{file.Path}: would be rejected: {refusal}");
                changes = true;
            }

            string now = files.Read(file.Path) is { } bytes ? Encoding.UTF8.GetString(bytes) : "", wanted = Encoding.UTF8.GetString(content.Bytes.AsSpan());
            if (now == wanted) continue;
            changes = true;
            write($"--- {file.Path}");
            write($"+++ {file.Path} ({document.Name} r{document.Release})");
            HashSet<string> secretOptions = [.. document.Items.Values.Concat(good?.Document(file.Document)?.Items.Values ?? []).Where(i => i.IsSecret).Select(i => i.Entry.Key[(i.Entry.Key.LastIndexOf('/') + 1)..])];
            foreach (string line in LineDiff.Of(now, wanted)) write(MaskLine(Masking.Hide(line, secrets), secretOptions));
        }

        return changes;
    }

    /// <summary>A file from before the agent has secrets that nobody told the agent: whatever follows the name of a secret option is hidden.</summary>
    private static string MaskLine(string line, HashSet<string> secretOptions)
    {
        foreach (string option in secretOptions)
        {
            Match match = Regex.Match(line, $@"^([-+ ].*?\b{Regex.Escape(option)}\b[""']?\s*[=:]\s*)\S", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            if (match.Success) return match.Groups[1].Value + Masking.Mask;
        }

        return line;
    }

    private static async Task<Dictionary<string, AgentDocument>> FetchAsync(AgentOptions options, ConclaveClient client, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            return await FetchAsync(options, client, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // As after a restore: a member that has less than it once said sends nothing, and does not end the stream either.
            throw new UnavailableException(GrpcCode.DeadlineExceeded, $"No member sent the documents of {options.Node} within {timeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s.");
        }
    }

    private static async Task<Dictionary<string, AgentDocument>> FetchAsync(AgentOptions options, ConclaveClient client, CancellationToken cancellationToken)
    {
        var request = new V1.WatchRequest { Space = options.Space, Node = options.Node };
        request.Documents.AddRange(options.Documents);
        var documents = new Dictionary<string, AgentDocument>(StringComparer.Ordinal);
        await foreach (V1.Delta delta in client.Configuration.WatchAsync(request, cancellationToken).ConfigureAwait(false))
        {
            foreach (V1.DocumentDelta part in delta.Documents)
            {
                if (AgentDocument.Apply(before: null, part, delta.ToRelease, out _) is { } document) documents[part.Document] = document;
            }

            break;
        }

        return documents;
    }
}

/// <summary>What differs between two texts, line by line.</summary>
internal static class LineDiff
{
    private const int LinesMax = 4000, Context = 2;

    public static IEnumerable<string> Of(string before, string after)
    {
        string[] a = Lines(before), b = Lines(after);
        if (a.Length > LinesMax || b.Length > LinesMax) return [$"-{a.Length} lines", $"+{b.Length} lines"];
        // The longest common part from each pair of places on.
        int[,] common = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
        {
            for (int j = b.Length - 1; j >= 0; j--) common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var all = new List<string>();
        (int x, int y) = (0, 0);
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y]) (_, x, y) = (Add(' ', a[x]), x + 1, y + 1);
            else if (x < a.Length && (y == b.Length || common[x + 1, y] >= common[x, y + 1])) Add('-', a[x++]);
            else Add('+', b[y++]);
        }

        return all.Where((line, at) => line[0] != ' ' || Enumerable.Range(Math.Max(0, at - Context), Math.Min(all.Count, at + Context + 1) - Math.Max(0, at - Context)).Any(near => all[near][0] != ' '));

        bool Add(char kind, string line)
        {
            all.Add(kind + line);
            return true;
        }
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
}
