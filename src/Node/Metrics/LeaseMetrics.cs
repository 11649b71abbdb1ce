using System.Globalization;
using System.Text;

namespace Conclave.Node.Metrics;

/// <summary>Counts what became of leases on this member. Thread safe.</summary>
internal sealed class LeaseMetrics
{
    private readonly Histogram _ttls = new(smallest: 1, buckets: 24, sumParts: 1);
    private long _granted, _revoked, _renewed, _expired;

    public void Granted(long ttlSeconds)
    {
        Interlocked.Increment(ref _granted);
        _ttls.Observe(ttlSeconds);
    }

    public void Revoked() => Interlocked.Increment(ref _revoked);

    public void Renewed() => Interlocked.Increment(ref _renewed);

    public void Expired() => Interlocked.Increment(ref _expired);

    public void Write(StringBuilder text)
    {
        Counter("etcd_debugging_lease_granted_total", Interlocked.Read(ref _granted));
        Counter("etcd_debugging_lease_revoked_total", Interlocked.Read(ref _revoked));
        Counter("etcd_debugging_lease_renewed_total", Interlocked.Read(ref _renewed));
        Counter("etcd_debugging_server_lease_expired_total", Interlocked.Read(ref _expired));
        text.Append("# TYPE etcd_debugging_lease_ttl_total histogram\n");
        _ttls.Write(text, "etcd_debugging_lease_ttl_total", "");

        void Counter(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} counter\n{name} {value}\n");
    }
}
