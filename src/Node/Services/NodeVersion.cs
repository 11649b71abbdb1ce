namespace Conclave.Node.Services;

/// <summary>The versions that this server names.</summary>
internal static class NodeVersion
{
    /// <summary>The release of etcd whose behaviour the API follows. Plain x.y.z: clients split it at the dots and switch features on by it.</summary>
    public const string EtcdServer = "3.6.4";

    /// <summary>As etcd's cluster version: always ends in .0.</summary>
    public const string EtcdCluster = "3.6.0";

    public const string EtcdStorage = "3.6.0";

    /// <summary>Conclave's own version.</summary>
    public static string Conclave { get; } = typeof(NodeVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
