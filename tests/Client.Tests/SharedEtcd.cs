namespace Conclave.Client.Tests;

/// <summary>One etcd for all tests that need no server of their own. Tests keep apart by using keys of their own.</summary>
public sealed class SharedEtcd : IAsyncLifetime
{
    public static PortBlock Ports { get; } = new(24300, 50);

    private EtcdServer? _server;

    /// <summary>Skips the calling test where etcd is not installed.</summary>
    public string Endpoint
    {
        get
        {
            EtcdServer.SkipUnlessInstalled();
            return _server!.Endpoint;   // set by InitializeAsync wherever etcd is installed
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (EtcdServer.IsInstalled) _server = await EtcdServer.StartAsync(Ports);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}
