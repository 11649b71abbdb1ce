namespace Conclave.Processes.Servers;

/// <summary>Which server a cluster is made of. Both take the same flags, so everything else is shared.</summary>
public enum ServerKind
{
    /// <summary>The node of this repository, as built into <c>artifacts/</c>.</summary>
    Conclave,

    /// <summary>etcd as the distribution packages it: the yardstick.</summary>
    Etcd,
}
