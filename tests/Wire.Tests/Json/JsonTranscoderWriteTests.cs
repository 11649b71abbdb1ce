using System.Buffers;
using System.Text;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Json;
using Google.Protobuf;

namespace Conclave.Wire.Tests.Json;

public class JsonTranscoderWriteTests
{
    [Fact]
    public void An_empty_message_is_an_empty_object() => Assert.Equal("{}", Write(new RangeResponse()));

    [Fact]
    public void A_put_answer_looks_as_on_etcd() => Assert.Equal(
        """{"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"2","raft_term":"2"}}""",
        Write(new PutResponse
        {
            Header = new ResponseHeader { ClusterId = 14841639068965178418, MemberId = 10276657743932975437, Revision = 2, RaftTerm = 2 },
        }));

    [Fact]
    public void A_range_answer_quotes_numbers_and_encodes_bytes() => Assert.Equal(
        """{"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"+/8="}],"more":true,"count":"1"}""",
        Write(new RangeResponse
        {
            Kvs = { new KeyValue { Key = ByteString.CopyFromUtf8("foo"), CreateRevision = 2, ModRevision = 3, Version = 2, Value = ByteString.CopyFrom(0xFB, 0xFF) } },
            More = true,
            Count = 1,
        }));

    [Fact]
    public void Events_of_puts_have_no_type_and_those_of_deletes_do() => Assert.Equal(
        """{"events":[{"kv":{"key":"YQ=="}},{"type":"DELETE","kv":{"key":"YQ==","mod_revision":"5"}}]}""",
        Write(new WatchResponse
        {
            Events =
            {
                new Event { Kv = new KeyValue { Key = ByteString.CopyFromUtf8("a") } },
                new Event { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = ByteString.CopyFromUtf8("a"), ModRevision = 5 } },
            },
        }));

    [Fact]
    public void Names_and_enums_keep_their_proto_spelling()
    {
        Assert.Equal("""{"ID":"1234","TTL":"29","grantedTTL":"30"}""", Write(new LeaseTimeToLiveResponse { ID = 1234, TTL = 29, GrantedTTL = 30 }));
        Assert.Equal("""{"permType":"READWRITE"}""", Write(new Permission { PermType = Permission.Types.Type.Readwrite }));
        Assert.Equal("""{"alarms":[{"memberID":"1","alarm":"NOSPACE"}]}""", Write(new AlarmResponse { Alarms = { new AlarmMember { MemberID = 1, Alarm = AlarmType.Nospace } } }));
        Assert.Equal("""{"raftAppliedIndex":"16"}""", Write(new StatusResponse { RaftAppliedIndex = 16 }));
    }

    [Fact]
    public void Small_numbers_are_bare_and_extreme_ones_are_whole()
    {
        Assert.Equal("""{"hash":1903641231}""", Write(new HashResponse { Hash = 1903641231 }));
        Assert.Equal("""{"ID":"-9223372036854775808"}""", Write(new LeaseStatus { ID = long.MinValue }));
        Assert.Equal("""{"ID":"18446744073709551615"}""", Write(new Member { ID = ulong.MaxValue }));
    }

    [Fact]
    public void An_unknown_enum_value_is_its_number() => Assert.Equal("""{"alarm":9}""", Write(new AlarmMember { Alarm = (AlarmType)9 }));

    [Fact]
    public void A_present_message_shows_even_when_empty_and_a_set_oneof_even_at_zero()
    {
        Assert.Equal("""{"response_put":{}}""", Write(new ResponseOp { ResponsePut = new PutResponse() }));
        Assert.Equal("""{"version":"0"}""", Write(new Compare { Version = 0 }));
        Assert.Equal("""{"value":""}""", Write(new Compare { Value = ByteString.Empty }));
    }

    [Fact]
    public void Text_is_escaped_only_where_json_needs_it() => Assert.Equal(
        """{"peerURLs":["a\"b\\c\u0001\n<é+>"]}""", Write(new MemberAddRequest { PeerURLs = { "a\"b\\c\u0001\n<é+>" } }));

    private static string Write(IMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        JsonTranscoder.Write(message, text);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
