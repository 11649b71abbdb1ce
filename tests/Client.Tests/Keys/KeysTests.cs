using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Keys;

public class KeysTests(SharedEtcd etcd)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_can_be_written_read_and_deleted()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        PutResult put = await client.PutAsync("keys/a", "1", cancellationToken: Cancelled);

        KeyValue? read = await client.GetAsync("keys/a", cancellationToken: Cancelled);
        DeleteResult deleted = await client.DeleteAsync("keys/a", new DeleteOptions { ReturnPrevious = true }, Cancelled);

        Assert.Equal("1", read!.Value);
        Assert.Equal((put.Header.Revision, put.Header.Revision, 1), (read.CreateRevision, read.ModRevision, read.Version));
        Assert.Equal("1", deleted.Previous.Single().Value);
        Assert.Null(await client.GetAsync("keys/a", cancellationToken: Cancelled));
    }

    [Fact]
    public async Task A_range_can_be_limited_sorted_counted_and_read_as_of_a_revision()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        PutResult? first = null;
        foreach (string key in (string[])["range/a", "range/b", "range/c"])
        {
            PutResult put = await client.PutAsync(key, key, cancellationToken: Cancelled);
            first ??= put;
        }

        KeyRange range = KeyRange.Prefix("range/");
        RangeResult two = await client.RangeAsync(range, new ReadOptions { Limit = 2, SortOrder = SortOrder.Descending }, Cancelled);
        RangeResult counted = await client.RangeAsync(range, new ReadOptions { CountOnly = true, Serializable = true }, Cancelled);
        RangeResult old = await client.RangeAsync(range, new ReadOptions { Revision = first!.Header.Revision, KeysOnly = true }, Cancelled);

        Assert.Equal(["range/c", "range/b"], two.Items.Select(kv => kv.Key.ToString()));
        Assert.True(two.More);
        Assert.Equal((3, 0), (counted.Count, counted.Items.Length));
        Assert.True(old.Items.Single().Value.IsEmpty);
    }

    [Fact]
    public async Task A_put_can_return_what_was_there()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        PutOptions options = new() { ReturnPrevious = true };
        Assert.Null((await client.PutAsync("keys/previous", "1", options, Cancelled)).Previous);
        Assert.Equal("1", (await client.PutAsync("keys/previous", "2", options, Cancelled)).Previous!.Value);
    }

    [Fact]
    public async Task A_transaction_runs_one_branch_or_the_other()
    {
        await using ConclaveClient client = new(etcd.Endpoint);

        Task<TxnResult> Claim(string owner) => client.Txn()
            .When(Condition.Missing("txn/owner"))
            .Then(Operation.Put("txn/owner", owner))
            .Else(Operation.Get("txn/owner"), Operation.Txn([Condition.Exists("txn/owner")], [Operation.Get("txn/owner")], []))
            .CommitAsync(Cancelled).AsTask();
        TxnResult first = await Claim("one"), second = await Claim("two");

        Assert.True(first.Succeeded);
        Assert.IsType<PutResult>(first.Results.Single());
        Assert.False(second.Succeeded);
        Assert.Equal("one", Assert.IsType<RangeResult>(second.Results[0]).Items.Single().Value);
        Assert.Equal("one", Assert.IsType<RangeResult>(Assert.IsType<TxnResult>(second.Results[1]).Results.Single()).Items.Single().Value);
    }

    [Theory]
    [InlineData(Relation.Equal, "5", true)]
    [InlineData(Relation.NotEqual, "5", false)]
    [InlineData(Relation.Greater, "4", true)]
    [InlineData(Relation.Less, "5", false)]
    public async Task Conditions_compare_values(Relation relation, string value, bool holds)
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await client.PutAsync("condition/value", "5", cancellationToken: Cancelled);

        TxnResult result = await client.Txn().When(Condition.Value("condition/value", relation, value)).CommitAsync(Cancelled);

        Assert.Equal(holds, result.Succeeded);
    }

    [Fact]
    public async Task Conditions_can_look_at_every_property_of_a_key()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        PutResult put = await client.PutAsync("condition/all", "5", cancellationToken: Cancelled);
        long revision = put.Header.Revision;

        TxnResult result = await client.Txn().When(
            Condition.Exists("condition/all"),
            Condition.Unchanged("condition/all", revision),
            Condition.CreateRevision("condition/all", Relation.Equal, (await client.GetAsync("condition/all", cancellationToken: Cancelled))!.CreateRevision),
            Condition.ModRevision(KeyRange.Prefix("condition/all"), Relation.Greater, 0),
            Condition.Lease("condition/all", Relation.Equal, 0),
            Condition.Version("condition/all", Relation.Less, 1000)).CommitAsync(Cancelled);

        Assert.True(result.Succeeded);
    }

    [Fact]
    public async Task A_refusal_is_a_typed_exception_with_the_servers_text()
    {
        await using ConclaveClient client = new(etcd.Endpoint);

        ConclaveException refusal = await Assert.ThrowsAsync<ConclaveException>(async () => await client.PutAsync("", "x", cancellationToken: Cancelled));

        Assert.Equal((GrpcCode.InvalidArgument, "etcdserver: key is not provided"), (refusal.Code, refusal.Message));
        Assert.Equal(client.Endpoints[0], refusal.Endpoint);
    }

    [Fact]
    public async Task A_call_that_was_cancelled_before_it_began_is_not_sent()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await client.PutAsync("keys/cancelled", "x", cancellationToken: new CancellationToken(canceled: true)));
        Assert.Null(await client.GetAsync("keys/cancelled", cancellationToken: Cancelled));
    }
}
