using System.Reflection;
using Conclave.Wire.Grpc;

namespace Conclave.Wire.Tests.Grpc;

public class EtcdErrorsTests
{
    /// <summary>The contract with the clients, written a second time on purpose: code and text, in any order.</summary>
    private const string Contract = """
        3 key is not provided
        3 key not found
        3 value is provided
        3 lease is provided
        3 too many operations in txn request
        3 duplicate key given in txn request
        3 invalid client api version
        3 invalid sort option
        11 mvcc: required revision has been compacted
        11 mvcc: required revision is a future revision
        8 mvcc: database space exceeded
        5 requested lease not found
        9 lease already exists
        11 too large lease TTL
        1 watch canceled
        9 member ID already exist
        9 Peer URLs already exists
        9 re-configuration failed due to not enough started members
        3 given member URLs are invalid
        5 member not found
        9 can only promote a learner member
        9 can only promote a learner member which is in sync with leader
        9 too many learner members in cluster
        9 cluster ID mismatch
        3 request is too large
        8 too many requests
        9 root user does not exist
        9 root user does not have root role
        9 user name already exists
        3 user name is empty
        9 user name not found
        9 role name already exists
        9 role name not found
        3 role name is empty
        3 authentication failed, invalid user ID or password
        3 permission not given
        7 permission denied
        9 role is not granted to the user
        9 permission is not granted to the role
        9 authentication is not enabled
        16 invalid auth token
        3 invalid auth management
        3 revision of auth store is old
        14 no leader
        9 not leader
        14 leader changed
        9 not capable
        14 server stopped
        14 request timed out
        14 request timed out, possibly due to previous leader failure
        14 request timed out, possibly due to connection lost
        14 request timed out, waiting for the applied index took too long
        14 unhealthy cluster
        15 corrupt cluster
        9 rpc not supported for learner
        9 bad leader transferee
        3 wrong downgrade target version format
        3 invalid downgrade target version
        9 cluster version not found during downgrade
        9 cluster has a downgrade job in progress
        9 no inflight downgrade job
        1 request canceled
        4 context deadline exceeded
        """;

    [Fact]
    public void The_table_is_the_contract_word_for_word()
    {
        string[] contract = Contract.Split('\n', StringSplitOptions.TrimEntries);
        string[] table = [.. EtcdErrors.All.Select(e => $"{(int)e.Code} {e.Message["etcdserver: ".Length..]}")];
        Assert.Equal(contract.Order(StringComparer.Ordinal), table.Order(StringComparer.Ordinal));
        Assert.All(EtcdErrors.All, e => Assert.StartsWith("etcdserver: ", e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_named_error_is_in_the_table_once()
    {
        GrpcStatus[] named = [.. typeof(EtcdErrors).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.FieldType == typeof(GrpcStatus)).Select(f => (GrpcStatus)f.GetValue(null)!)];
        Assert.Equal(named.Length, EtcdErrors.All.Count);
        Assert.Equal(named.ToHashSet(), EtcdErrors.All.ToHashSet());
    }

    [Fact]
    public void An_exception_carries_its_status_and_nothing_else_in_its_text()
    {
        GrpcException exception = EtcdErrors.NoLeader.ToException();
        Assert.Equal(EtcdErrors.NoLeader, exception.Status);
        Assert.Equal("etcdserver: no leader", exception.Message);
        Assert.NotSame(exception, EtcdErrors.NoLeader.ToException());
    }
}
