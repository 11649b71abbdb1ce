using Conclave.Client;

namespace Conclave.Extensions.Hosting;

/// <summary>Makes locks by name. An interface, so that tests of a program can stand in for a cluster.</summary>
public interface IDistributedLockProvider
{
    /// <param name="name">Not empty.</param>
    /// <param name="options">Null for the defaults.</param>
    IDistributedLock CreateLock(string name, LockOptions? options = null);
}

/// <summary>Makes elections by name. An interface, so that tests of a program can stand in for a cluster.</summary>
public interface IElectionProvider
{
    /// <param name="name">Not empty.</param>
    /// <param name="options">Null for the defaults; the value is what observers see of this candidate.</param>
    IElection CreateElection(string name, LockOptions? options = null);
}
