using System.Text;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Conclave.Wire.Json;
using Google.Protobuf;

namespace Conclave.Wire.Tests.Json;

public class JsonTranscoderReadTests
{
    [Theory]
    [InlineData("")]
    [InlineData("  \r\n\t")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData(" { } \n")]
    public void Nothing_null_and_an_empty_object_are_the_empty_message(string json) =>
        Assert.Equal(new RangeRequest(), Read<RangeRequest>(json));

    [Fact]
    public void Proto_names_and_camel_case_names_are_both_known()
    {
        Assert.Equal("z"u8, Read<RangeRequest>("""{"range_end":"eg=="}""").RangeEnd.Span);
        Assert.Equal("z"u8, Read<RangeRequest>("""{"rangeEnd":"eg=="}""").RangeEnd.Span);
        Assert.Equal(7, Read<LeaseGrantRequest>("""{"TTL":7}""").TTL);
        Assert.Equal(["http://a"], Read<MemberAddRequest>("""{"peerURLs":["http://a"]}""").PeerURLs);
    }

    [Theory]
    [InlineData("2305843009213693953", 2305843009213693953)]
    [InlineData("\"2305843009213693953\"", 2305843009213693953)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("\"-1\"", -1)]
    [InlineData("1e3", 1000)]
    [InlineData("2.0", 2)]
    [InlineData("0e5", 0)]
    public void Sixty_four_bit_numbers_are_exact_bare_or_quoted(string number, long expected) =>
        Assert.Equal(expected, Read<LockRequest>($$"""{"lease":{{number}}}""").Lease);

    [Fact]
    public void Unsigned_numbers_use_their_whole_range() =>
        Assert.Equal(ulong.MaxValue, Read<MemberRemoveRequest>("""{"ID":18446744073709551615}""").ID);

    [Theory]
    [InlineData("""{"lease":9223372036854775808}""")]
    [InlineData("""{"lease":1.5}""")]
    [InlineData("""{"lease":"one"}""")]
    [InlineData("""{"lease":""}""")]
    [InlineData("""{"lease":"e"}""")]
    [InlineData("""{"lease":1e40}""")]
    [InlineData("""{"lease":1e-40}""")]
    [InlineData("""{"lease":true}""")]
    [InlineData("""{"lease":{}}""")]
    [InlineData("""{"lease":[1]}""")]
    public void Numbers_that_do_not_fit_are_refused(string json) => Assert.NotEqual("", Refusal<LockRequest>(json));

    [Theory]
    [InlineData("""{"hash":4294967295}""", 4294967295)]
    [InlineData("""{"hash":"17"}""", 17)]
    public void Thirty_two_bit_numbers_may_be_quoted(string json, uint expected) => Assert.Equal(expected, Read<HashResponse>(json).Hash);

    [Fact]
    public void A_thirty_two_bit_number_has_its_own_limit() => Assert.NotEqual("", Refusal<HashResponse>("""{"hash":4294967296}"""));

    [Theory]
    [InlineData("+/8=")]
    [InlineData("-_8=")]
    [InlineData("-_8")]
    [InlineData("+/8")]
    [InlineData("+_8")]
    [InlineData("\\u002b\\/8=")]
    public void Bytes_come_in_any_spelling_of_base64(string text) =>
        Assert.Equal([0xFB, 0xFF], Read<PutRequest>($$"""{"key":"{{text}}"}""").Key.ToByteArray());

    [Theory]
    [InlineData("Zm9v!", 4)]
    [InlineData("Zm 9v", 2)]
    [InlineData("Zm9vY", 5)]
    [InlineData("Z", 1)]
    [InlineData("Zm9=v", 3)]
    [InlineData("Zm9v====", 4)]
    [InlineData("Zm9vYQ=", 6)]
    [InlineData("=", 0)]
    public void Bad_base64_says_where(string text, int at)
    {
        string error = Refusal<PutRequest>($$"""{"key":"{{text}}"}""");
        Assert.StartsWith($"illegal base64 data at input byte {at}", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Enums_come_by_name_or_by_number()
    {
        Assert.Equal(RangeRequest.Types.SortTarget.Value, Read<RangeRequest>("""{"sort_target":"VALUE"}""").SortTarget);
        Assert.Equal(RangeRequest.Types.SortTarget.Mod, Read<RangeRequest>("""{"sort_target":3}""").SortTarget);
        Assert.Equal(99, (int)Read<RangeRequest>("""{"sort_target":99}""").SortTarget);
        Assert.Equal(Compare.Types.CompareResult.NotEqual, Read<Compare>("""{"result":"NOT_EQUAL"}""").Result);
    }

    [Theory]
    [InlineData("3")]
    [InlineData("descend")]
    public void Unknown_enum_names_are_refused_in_the_words_of_etcd(string name) => Assert.Equal(
        $"unknown value \"{name}\" for enum etcdserverpb.RangeRequest_SortTarget", Refusal<RangeRequest>($$"""{"sort_target":"{{name}}"}"""));

    [Fact]
    public void Unknown_fields_are_skipped_whatever_they_hold() => Assert.Equal(
        "a"u8, Read<RangeRequest>("""{"x":{"key":[1,{"y":null}]},"key":"YQ==","z":"\u0000","key2":1e99}""").Key.Span);

    [Fact]
    public void Null_leaves_a_field_unset_in_every_kind_of_field() => Assert.Equal(
        new TxnRequest(), Read<TxnRequest>("""{"compare":null,"success":null,"failure":null}"""));

    [Fact]
    public void A_oneof_is_set_by_its_member_even_with_the_zero_value()
    {
        Compare zero = Read<Compare>("""{"target":"VERSION","version":"0"}""");
        Assert.Equal(Compare.TargetUnionOneofCase.Version, zero.TargetUnionCase);
        WatchRequest progress = Read<WatchRequest>("""{"progress_request":{}}""");
        Assert.Equal(WatchRequest.RequestUnionOneofCase.ProgressRequest, progress.RequestUnionCase);
    }

    [Theory]
    [InlineData("""{"request_put":{"key":"YQ=="},"request_range":{"key":"Yg=="}}""", RequestOp.RequestOneofCase.RequestRange)]
    [InlineData("""{"request_range":{"key":"Yg=="},"request_put":{"key":"YQ=="}}""", RequestOp.RequestOneofCase.RequestPut)]
    public void Of_two_members_of_a_oneof_the_last_counts(string json, RequestOp.RequestOneofCase last) => Assert.Equal(last, Read<RequestOp>(json).RequestCase);

    [Fact]
    public void Transactions_nest()
    {
        TxnRequest txn = Read<TxnRequest>(
            """{"success":[{"request_txn":{"failure":[{"request_put":{"key":"YQ==","value":"Yg==","lease":"5"}}]}},{"requestRange":{"key":"Yw=="}}]}""");
        Assert.Equal(5, txn.Success[0].RequestTxn.Failure[0].RequestPut.Lease);
        Assert.Equal("c"u8, txn.Success[1].RequestRange.Key.Span);
    }

    [Fact]
    public void Lists_of_enums_and_of_bytes_are_read()
    {
        Assert.Equal(2, Read<WatchCreateRequest>("""{"filters":["NOPUT",1]}""").Filters.Count);
        Assert.Equal("b"u8, Read<LeaseTimeToLiveResponse>("""{"keys":["YQ==","Yg=="]}""").Keys[1].Span);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}}")]
    [InlineData("{} {}")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("\"key\"")]
    [InlineData("{key:1}")]
    [InlineData("{\"key\":}")]
    [InlineData("{\"key\":\"YQ==\",}")]
    [InlineData("{\"key\":1}")]
    [InlineData("{\"keys_only\":\"true\"}")]
    [InlineData("{\"keys_only\":1}")]
    [InlineData("// c\n{}")]
    public void What_is_not_the_message_is_refused(string json) => Assert.NotEqual("", Refusal<RangeRequest>(json));

    [Theory]
    [InlineData("""{"compare":{}}""")]
    [InlineData("""{"compare":[null]}""")]
    [InlineData("""{"compare":[5]}""")]
    [InlineData("""{"compare":[{}""")]
    public void Lists_must_be_lists_of_what_they_hold(string json) => Assert.NotEqual("", Refusal<TxnRequest>(json));

    [Fact]
    public void Invalid_text_is_refused_not_thrown()
    {
        Assert.NotEqual("", Refusal<MemberAddRequest>([.. "{\"peerURLs\":[\""u8, 0xFF, 0xFE, .. "\"]}"u8]));
        Assert.NotEqual("", Refusal<MemberAddRequest>("""{"peerURLs":["\ud800"]}"""u8.ToArray()));
        Assert.NotEqual("", Refusal<MemberAddRequest>("""{"\ud800":1}"""u8.ToArray()));
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", 100)) + "{}" + string.Concat(Enumerable.Repeat("}]}", 100));
        Assert.NotEqual("", Refusal<TxnRequest>(deep));
        string unknown = "{\"x\":" + new string('[', 1000) + new string(']', 1000) + "}";
        Assert.NotEqual("", Refusal<TxnRequest>(unknown));
    }

    private static T Read<T>(string json)
        where T : IMessage<T>, new()
    {
        Assert.True(JsonTranscoder.TryParse(Encoding.UTF8.GetBytes(json), new T().Descriptor, out IMessage? message, out string error), error);
        return Assert.IsType<T>(message);
    }

    private static string Refusal<T>(string json)
        where T : IMessage<T>, new() => Refusal<T>(Encoding.UTF8.GetBytes(json));

    private static string Refusal<T>(byte[] json)
        where T : IMessage<T>, new()
    {
        Assert.False(JsonTranscoder.TryParse(json, new T().Descriptor, out IMessage? message, out string error));
        Assert.Null(message);
        return error;
    }
}
