using System.Diagnostics.CodeAnalysis;

namespace Conclave.Processes.Servers;

/// <summary>Finds the program of a <see cref="ServerKind"/>.</summary>
public static class ServerBinary
{
    /// <summary>Overrides the path of the Conclave node.</summary>
    public const string ConclaveVariable = "CONCLAVE_NODE_BINARY";

    /// <summary>Overrides the path of etcd.</summary>
    public const string EtcdVariable = "ETCD_BINARY";

    /// <param name="kind">Which server.</param>
    /// <param name="path">Absolute path of the program.</param>
    /// <param name="remedy">What to run when it is not there.</param>
    public static bool TryFind(ServerKind kind, [NotNullWhen(true)] out string? path, out string remedy)
    {
        (path, remedy) = kind == ServerKind.Conclave
            ? (FindConclave(), "conclave-node is not built. Run: dotnet build -c Release src/Node")
            : (FindEtcd(), "etcd is not installed. Run: apt-get install etcd-server");
        return path is not null;
    }

    private static string? FindConclave()
    {
        if (Environment.GetEnvironmentVariable(ConclaveVariable) is { Length: > 0 } chosen)
            return File.Exists(chosen) ? Path.GetFullPath(chosen) : null;
        if (RepositoryRoot() is not { } root)
            return null;
        // The Release build is the one whose behaviour and speed count; Debug is for whoever has built nothing else.
        string[] candidates = ["artifacts/bin/Node/release/conclave-node", "artifacts/bin/Node/debug/conclave-node"];
        return candidates.Select(candidate => Path.Combine(root, candidate)).FirstOrDefault(File.Exists);
    }

    private static string? FindEtcd()
    {
        if (Environment.GetEnvironmentVariable(EtcdVariable) is { Length: > 0 } chosen)
            return File.Exists(chosen) ? Path.GetFullPath(chosen) : null;
        return OnPath("etcd");
    }

    /// <summary>First executable of that name on PATH, or null.</summary>
    public static string? OnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>The directory that holds Cluster.sln, looked for upwards from this assembly; null outside a checkout.</summary>
    public static string? RepositoryRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Cluster.sln")))
                return at.FullName;
        }
        return null;
    }
}
