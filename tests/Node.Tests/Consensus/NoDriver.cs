using Conclave.Node.Consensus;

namespace Conclave.Node.Tests.Consensus;

/// <summary>Drives nothing: the tests look at what was queued.</summary>
internal sealed class NoDriver : IDriver
{
    public void DriveHere()
    {
    }

    public void DriveWithoutLog()
    {
    }

    public void DriveSoon()
    {
    }
}
