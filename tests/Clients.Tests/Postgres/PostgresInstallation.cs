using System.Runtime.InteropServices;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Postgres;

/// <summary>Where the distribution puts PostgreSQL and Patroni.</summary>
internal static class PostgresInstallation
{
    private const string Versions = "/usr/lib/postgresql";

    /// <summary>Directory of initdb, postgres and psql: the newest version that is there.</summary>
    public static string Binaries => Found() ?? throw new InvalidOperationException($"PostgreSQL is not in {Versions}.");

    public static string Patroni => ServerBinary.OnPath("patroni") ?? throw new InvalidOperationException("patroni is not on PATH.");

    /// <summary>PostgreSQL refuses to run as root: root runs it as the user that the package made. Anybody else runs it as himself.</summary>
    public static string[] AsItsUser => IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];

    private static bool IsRoot => GetEffectiveUserId() == 0;

    public static void Require()
    {
        Assert.SkipWhen(ServerBinary.OnPath("patroni") is null || !Directory.Exists("/usr/lib/python3/dist-packages/etcd"), "Patroni with its etcd client is not installed. Run: apt-get install patroni python3-etcd");
        Assert.SkipWhen(Found() is null, "PostgreSQL is not installed. Run: apt-get install postgresql-15");
    }

    /// <summary>A directory that the servers' user may write to.</summary>
    public static async Task<string> CreateDirectoryAsync(CancellationToken cancellationToken)
    {
        string directory = Directory.CreateTempSubdirectory("conclave-patroni-").FullName;
        if (!IsRoot)
            return directory;
        Programs.Ended given = await Programs.RunAsync("chown", ["postgres", directory], null, new Dictionary<string, string>(), cancellationToken);
        return given.ExitCode == 0 ? directory : throw new InvalidOperationException($"chown postgres {directory}: {given.Error}");
    }

    private static string? Found() => !Directory.Exists(Versions) ? null
        : Directory.GetDirectories(Versions).Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault();

    [DllImport("libc", EntryPoint = "geteuid")]
    private static extern uint GetEffectiveUserId();
}
