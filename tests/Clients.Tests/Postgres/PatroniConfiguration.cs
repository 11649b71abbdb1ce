namespace Conclave.Clients.Tests.Postgres;

/// <summary>The configuration file of one Patroni, as its manual describes it.</summary>
internal static class PatroniConfiguration
{
    /// <summary>Name of the cluster; its keys begin with <c>/service/shop/</c>.</summary>
    public const string Scope = "shop";

    /// <summary>How long the primary's lock outlives it, in seconds. The manual asks for at least loop_wait and twice retry_timeout.</summary>
    public const int TtlSeconds = 8;

    private const int LoopWaitSeconds = 1, RetryTimeoutSeconds = 3;

    public static string Text(string name, string endpoints, int apiPort, int sqlPort, string directory, string binaries) => $$$"""
        scope: {{{Scope}}}
        name: {{{name}}}
        restapi: {listen: "127.0.0.1:{{{apiPort}}}", connect_address: "127.0.0.1:{{{apiPort}}}"}
        etcd3: {hosts: "{{{endpoints}}}"}
        watchdog: {mode: "off"}
        bootstrap:
          dcs:
            ttl: {{{TtlSeconds}}}
            loop_wait: {{{LoopWaitSeconds}}}
            retry_timeout: {{{RetryTimeoutSeconds}}}
            postgresql:
              use_pg_rewind: true
              parameters: {fsync: "off", shared_buffers: 16MB, max_connections: 20, max_wal_senders: 4}
          initdb: [{encoding: UTF8}, {locale: C}, {auth: trust}, data-checksums, no-sync]
          pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
        postgresql:
          listen: "127.0.0.1:{{{sqlPort}}}"
          connect_address: "127.0.0.1:{{{sqlPort}}}"
          data_dir: {{{directory}}}/{{{name}}}
          bin_dir: {{{binaries}}}
          pgpass: {{{directory}}}/{{{name}}}.pgpass
          authentication: {superuser: {username: postgres}, replication: {username: postgres}}
          parameters: {unix_socket_directories: "{{{directory}}}"}
        """;
}
