using System.Globalization;
using Conclave.Node.Options;
using Conclave.Store;

namespace Conclave.Node.Restoring;

/// <summary><c>conclave-node restore FILE [flags]</c>: makes a data directory from a backup, or says with <c>--check</c> what is in the file. Serves nothing.</summary>
internal static class RestoreCommand
{
    public const string Name = "restore";

    private const string Check = "--check", Usage = "conclave-node restore FILE --data-dir DIR --name NAME --initial-cluster NAME=URL,... , once for each member; or: conclave-node restore FILE --check";

    /// <param name="arguments">Behind the word restore.</param>
    /// <param name="environment">Of the process.</param>
    /// <param name="output">What was done.</param>
    /// <param name="error">What was not.</param>
    public static int Run(IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> environment, TextWriter output, TextWriter error)
    {
        if (arguments.Count == 0 || arguments[0].StartsWith('-'))
        {
            error.WriteLine($"conclave-node: restore needs a file first: {Usage}.");
            return ExitCodes.Usage;
        }

        string path = arguments[0];
        List<string> flags = [.. arguments.Skip(1)];
        bool onlyCheck = flags.Remove(Check);
        try
        {
            if (onlyCheck && flags.Count == 0)
            {
                BackupFile checkedFile = BackupFile.Open(path);
                Describe(output, checkedFile, checkedFile.Load().View);
                return ExitCodes.Done;
            }

            if (OptionsOf(flags, environment, error) is not { } options || onlyCheck)
            {
                error.WriteLine($"conclave-node: use: {Usage}.");
                return ExitCodes.Usage;
            }

            BackupFile backup = BackupFile.Open(path);
            StoreView view = ClusterRestore.Run(options, backup);
            Describe(output, backup, view);
            ClusterIdentity cluster = ClusterIdentity.From(RestoredCluster.With(options, backup.Sha256));
            output.WriteLine($"restored into {options.DataDir}: member {options.Name} ({cluster.Self}) of the new cluster {cluster.ClusterId:x} with {string.Join(", ", options.InitialCluster.Select(m => m.Name))}.");
            output.WriteLine("Restore the same file for every other member, then start all of them with the same --name, --data-dir and --initial-cluster.");
            return ExitCodes.Done;
        }
        catch (BackupException problem)
        {
            error.WriteLine($"conclave-node: {problem.Message}");
            return ExitCodes.Data;
        }
    }

    private static NodeOptions? OptionsOf(List<string> flags, IEnumerable<KeyValuePair<string, string>> environment, TextWriter error)
    {
        NodeFlags.Parsed parsed = NodeFlags.Parse(flags, environment);
        if (parsed.Options is null && !flags.Exists(f => f.TrimStart('-').StartsWith("initial-advertise-peer-urls", StringComparison.Ordinal)) && OwnUrls(flags) is { } urls)
        {
            // Whoever names all members has said where this one listens.
            parsed = NodeFlags.Parse([.. flags, $"--initial-advertise-peer-urls={urls}"], environment);
        }

        foreach (string problem in parsed.Errors) error.WriteLine($"conclave-node: {problem}");
        return parsed.Options;
    }

    /// <summary>The URLs that --initial-cluster has for --name; null when it does not say.</summary>
    private static string? OwnUrls(List<string> flags)
    {
        string? name = ValueOf(flags, "name") ?? "default";
        string[] urls = [.. (ValueOf(flags, "initial-cluster") ?? "").Split(',').Select(part => part.Trim().Split('=', 2)).Where(pair => pair.Length == 2 && pair[0] == name).Select(pair => pair[1])];
        return urls.Length == 0 ? null : string.Join(',', urls);
    }

    private static string? ValueOf(List<string> flags, string name)
    {
        for (int i = 0; i < flags.Count; i++)
        {
            string flag = flags[i].TrimStart('-');
            if (flag == name && i + 1 < flags.Count) return flags[i + 1];
            if (flag.StartsWith(name + "=", StringComparison.Ordinal)) return flag[(name.Length + 1)..];
        }

        return null;
    }

    private static void Describe(TextWriter output, BackupFile backup, StoreView view) => output.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{backup.Path}: {backup.Bytes} bytes, SHA-256 {backup.Sha256}, revision {view.Revision}, {view.KeyCount} keys, {view.LeaseCount} leases, log position {view.AppliedTerm}.{view.AppliedIndex}"));
}
