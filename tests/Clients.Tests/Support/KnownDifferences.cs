// The namespace is that of the comparison, which asks for it by this name.
#pragma warning disable IDE0130
namespace Conclave.Compatibility.Tests.Support;
#pragma warning restore IDE0130

/// <summary>Every place where these clients rightly see something else from Conclave than from the packaged etcd 3.4.23. Nothing else may differ.</summary>
internal static class KnownDifferences
{
    private static readonly KnownDifference[] All =
    [
        new("etcdctl-interactive: get -w json", @"\$\.output\[0\]\.header\.revision", "seen once: etcd counted a write more than the script makes; why is not known. Conclave has to count exactly those of the script", "\"r+11 number\""),
        new("etcdctl-operations: raise", @"\$\.body\.header", "3.4 leaves the header out of Alarm answers"),
        new("lock-service: the service leads after it", @"\$\.body\.header\.revision", "etcd answers with the revision at which the campaign began; Conclave with the one at which it saw that the campaign was won"),
        new("etcdctl-auth: alice looks at its keys", @"\$", "who may not read a key is not told by 3.6 that a lease has it; 3.4 tells anybody", """{"exit":2,"complaint":"etcdserver: permission denied"}"""),
        new("etcdctl-auth: alice: (defrag|endpoint hashkv)", @"\$\.complaint", "3.4 refuses maintenance with a text of its own", "\"etcdserver: permission denied\""),
        new("etcdctl-auth: alice: move-leader 4d", @"\$\.complaint", "3.4 lets any user move the leader", "\"etcdserver: permission denied\""),
    ];

    public static KnownDifference? Explaining(string line, string path) => All.FirstOrDefault(known => known.Covers(line, path));
}
