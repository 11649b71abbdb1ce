using Conclave.Client.Tests;

[assembly: AssemblyFixture(typeof(Conclave.Cli.Tests.SharedEtcd))]

namespace Conclave.Cli.Tests;

/// <summary>One etcd for all tests that need no server of their own. Tests keep apart by using keys of their own.</summary>
public sealed class SharedEtcd : IAsyncLifetime
{
    private EtcdServer? _server;

    /// <summary>Skips the calling test where etcd is not installed.</summary>
    internal Shell Shell
    {
        get
        {
            EtcdServer.SkipUnlessInstalled();
            return new Shell(_server!.Endpoint);   // set by InitializeAsync wherever etcd is installed
        }
    }

    internal string Endpoint
    {
        get
        {
            EtcdServer.SkipUnlessInstalled();
            return _server!.Endpoint;   // as above
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (EtcdServer.IsInstalled) _server = await EtcdServer.StartAsync(Tests.Shell.Ports);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}
