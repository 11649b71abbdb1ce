using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Support;

/// <summary>The packages that Npm/package-lock.json names, below <c>artifacts/npm</c>. They are installed when they are first needed and whenever the file has changed.</summary>
internal static class NpmPackages
{
    private const string LockFile = "package-lock.json";

    /// <returns>Directory to set NODE_PATH to.</returns>
    public static async Task<string> RequireAsync(CancellationToken cancellationToken)
    {
        string? node = ServerBinary.OnPath("node"), npm = ServerBinary.OnPath("npm"), root = ServerBinary.RepositoryRoot();
        Assert.SkipWhen(node is null || npm is null, "node or npm is not installed. Run: apt-get install nodejs npm");
        Assert.SkipWhen(root is null, "Packages are installed in a checkout only.");
        string source = Path.Combine(AppContext.BaseDirectory, "Npm"), directory = Path.Combine(root!, "artifacts", "npm");
        string modules = Path.Combine(directory, "node_modules"), wanted = await File.ReadAllTextAsync(Path.Combine(source, LockFile), cancellationToken);
        // Written last, so it says that everything before it was done.
        string installed = Path.Combine(modules, "installed.json");
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed, cancellationToken) == wanted)
            return modules;
        Directory.CreateDirectory(directory);
        foreach (string file in (string[])["package.json", LockFile])
            File.Copy(Path.Combine(source, file), Path.Combine(directory, file), overwrite: true);
        Programs.Ended ended = await Programs.RunAsync(npm!, ["ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund"], null, new Dictionary<string, string>(), cancellationToken);
        Assert.SkipWhen(ended.ExitCode != 0, $"npm could not install the packages of {Path.Combine(source, LockFile)}: {ended.Error}");
        await File.WriteAllTextAsync(installed, wanted, cancellationToken);
        return modules;
    }
}
