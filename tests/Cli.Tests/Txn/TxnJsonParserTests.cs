using System.Text;
using Conclave.Cli.Txn;
using Conclave.Client;

namespace Conclave.Cli.Tests.Txn;

public class TxnJsonParserTests
{
    [Fact]
    public void All_members_are_read()
    {
        TxnScript script = Parse("""
            { "compare": [ { "target": "mod", "key": "a", "result": "=", "value": 7 },
                           { "target": "value", "key_base64": "/w==", "result": "!=", "value": "x" },
                           { "target": "lease", "key": "a", "result": "=", "value": "4d2" } ],
              "success": [ { "op": "put", "key": "a", "value_base64": "/w==", "lease": "4d2", "prev_kv": true },
                           { "op": "put", "key": "a", "ignore_value": true, "ignore_lease": true } ],
              "failure": [ { "op": "get", "key": "jobs/", "prefix": true, "limit": 10, "rev": 5, "keys_only": true },
                           { "op": "get", "key": "a", "range_end": "b", "count_only": true },
                           { "op": "del", "key": "a", "from_key": true, "prev_kv": true } ] }
            """);

        Assert.Equal(
        [
            new TxnCompare(TxnTarget.Mod, "a", Relation.Equal, 7, default),
            new TxnCompare(TxnTarget.Value, new byte[] { 0xFF }, Relation.NotEqual, 0, "x"),
            new TxnCompare(TxnTarget.Lease, "a", Relation.Equal, 1234, default),
        ], script.Compares);
        Assert.Equal(
        [
            new PutStep("a", new byte[] { 0xFF }, new PutOptions { LeaseId = 1234, ReturnPrevious = true }),
            new PutStep("a", default, new PutOptions { KeepValue = true, KeepLease = true }),
        ], script.Success);
        Assert.Equal(
        [
            new GetStep(KeyRange.Prefix("jobs/"), new ReadOptions { Limit = 10, Revision = 5, KeysOnly = true }),
            new GetStep(KeyRange.Between("a", "b"), new ReadOptions { CountOnly = true }),
            new DelStep(KeyRange.From("a"), new DeleteOptions { ReturnPrevious = true }),
        ], script.Failure);
    }

    [Theory]
    [InlineData("{", "This is not JSON")]
    [InlineData("{ \"then\": [] }", "the transaction has no member \"then\"")]
    [InlineData("{ \"success\": {} }", "success must be a list")]
    [InlineData("{ \"success\": [ 1 ] }", "success[0].op must be")]
    [InlineData("{ \"success\": [ { \"op\": \"put\", \"key\": \"a\", \"value\": \"1\", \"leese\": \"1\" } ] }", "success[0] has no member \"leese\"")]
    [InlineData("{ \"success\": [ { \"op\": \"put\", \"key\": \"a\" } ] }", "success[0].value must be a string")]
    [InlineData("{ \"success\": [ { \"op\": \"get\", \"key\": \"\" } ] }", "success[0].key is empty")]
    [InlineData("{ \"success\": [ { \"op\": \"get\", \"key\": \"a\", \"limit\": 1.5 } ] }", "success[0].limit must be a whole number")]
    [InlineData("{ \"success\": [ { \"op\": \"get\", \"key\": \"a\", \"prefix\": 1 } ] }", "success[0].prefix must be true or false")]
    [InlineData("{ \"success\": [ { \"op\": \"get\", \"key\": \"a\", \"prefix\": true, \"from_key\": true } ] }", "success[0]: prefix, from_key")]
    [InlineData("{ \"failure\": [ { \"op\": \"get\", \"key\": \"a\", \"key_base64\": \"/w==\" } ] }", "failure[0] has both")]
    [InlineData("{ \"failure\": [ { \"op\": \"get\", \"key_base64\": \"?\" } ] }", "failure[0].key_base64 must be base64")]
    [InlineData("{ \"compare\": [ { \"target\": \"size\", \"key\": \"a\", \"result\": \"=\", \"value\": 1 } ] }", "compare[0].target must be")]
    [InlineData("{ \"compare\": [ { \"target\": \"mod\", \"key\": \"a\", \"result\": \"~\", \"value\": 1 } ] }", "compare[0].result must be")]
    [InlineData("{ \"compare\": [ { \"target\": \"mod\", \"key\": \"a\", \"result\": \"=\" } ] }", "compare[0].value is missing")]
    public void What_cannot_be_read_is_named_with_its_place(string json, string beginning)
    {
        TxnSyntaxException refusal = Assert.Throws<TxnSyntaxException>(() => Parse(json));
        Assert.StartsWith(beginning, refusal.Message, StringComparison.Ordinal);
    }

    private static TxnScript Parse(string json) => TxnJsonParser.Parse(Encoding.UTF8.GetBytes(json));
}
