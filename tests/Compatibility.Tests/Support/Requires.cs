using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Skips a test, with the command that helps, when a foreign program is not installed.</summary>
internal static class Requires
{
    public const string Python = "/usr/bin/python3";   // the packages belong to the distribution's interpreter

    public static string Etcdctl()
    {
        string? path = ServerBinary.OnPath("etcdctl");
        Assert.SkipWhen(path is null, "etcdctl is not installed. Run: apt-get install etcd-client");
        return path!;
    }

    public static void PythonModule(string module, string package)
    {
        Assert.SkipUnless(File.Exists(Python), "Python is not installed. Run: apt-get install python3");
        Assert.SkipUnless(Directory.Exists($"/usr/lib/python3/dist-packages/{module}"), $"{module} is not installed. Run: apt-get install {package}");
    }
}
