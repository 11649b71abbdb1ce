using Conclave.Client.Watching;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using Header = Conclave.Wire.Etcd.Etcdserverpb.ResponseHeader;

namespace Conclave.Client.Tests.Watching;

public class WatchPositionTests
{
    [Fact]
    public void From_now_means_after_the_revision_of_the_first_acknowledgement()
    {
        WatchPosition position = new("a", new WatchOptions());
        Assert.Equal(0, position.Request().CreateRequest.StartRevision);

        Assert.Null(position.Accept(Created(7)));

        Assert.Equal(8, position.Request().CreateRequest.StartRevision);
    }

    [Fact]
    public void A_watch_resumes_after_the_last_revision_seen_and_not_where_the_new_server_is()
    {
        WatchPosition position = new("a", new WatchOptions());
        position.Accept(Created(7));
        position.Accept(Events(8, 9));

        position.Accept(Created(20));

        Assert.Equal(10, position.Request().CreateRequest.StartRevision);
    }

    [Fact]
    public void A_change_that_comes_twice_is_reported_once()
    {
        WatchPosition position = new("a", new WatchOptions());
        position.Accept(Created(7));
        position.Accept(Events(8, 9));

        WatchUpdate? update = position.Accept(Events(9, 10));

        Assert.Equal([10], update!.Events.Select(e => e.Revision));
        Assert.Null(position.Accept(Events(9, 10)));
    }

    [Fact]
    public void Progress_moves_the_place_to_resume_from_and_is_reported_only_on_request()
    {
        WatchPosition silent = new("a", new WatchOptions { StartRevision = 3 }), chatty = new("a", new WatchOptions { StartRevision = 3, ReportProgress = true });

        Assert.Null(silent.Accept(Progress(12)));
        Assert.Equal(13, silent.Request().CreateRequest.StartRevision);
        Assert.Equal(12, chatty.Accept(Progress(12))!.Revision);
        Assert.Null(chatty.Accept(Progress(11)));
    }

    [Fact]
    public void The_start_is_reported_once_on_request()
    {
        WatchPosition position = new("a", new WatchOptions { ReportStart = true });

        Assert.Equal(7, position.Accept(Created(7))!.Revision);
        Assert.Null(position.Accept(Created(9)));
    }

    [Fact]
    public void A_compacted_start_ends_the_watch_and_names_the_oldest_revision()
    {
        WatchPosition position = new("a", new WatchOptions { StartRevision = 3 });
        position.Accept(Created(20));

        CompactedException ended = Assert.Throws<CompactedException>(() => position.Accept(new WatchResponse { Header = new Header(), Canceled = true, CompactRevision = 11 }));

        Assert.Equal(11, ended.CompactRevision);
    }

    [Theory]
    [InlineData("rpc error: code = PermissionDenied desc = etcdserver: permission denied", GrpcCode.PermissionDenied, "etcdserver: permission denied")]
    [InlineData("mvcc: watcher range is empty", GrpcCode.InvalidArgument, "mvcc: watcher range is empty")]
    [InlineData("", GrpcCode.Canceled, "The server cancelled the watch without a reason.")]
    public void A_refused_watch_says_why(string reason, GrpcCode code, string text)
    {
        WatchPosition position = new("a", new WatchOptions());
        WatchResponse refusal = new() { Header = new Header(), Created = true, Canceled = true, WatchId = -1, CancelReason = reason };

        ConclaveException ended = Assert.Throws<ConclaveException>(() => position.Accept(refusal));

        Assert.Equal((code, text), (ended.Code, ended.Message));
    }

    private static WatchResponse Created(long revision) => new() { Header = new Header { Revision = revision }, Created = true };

    private static WatchResponse Progress(long revision) => new() { Header = new Header { Revision = revision } };

    private static WatchResponse Events(params long[] revisions) => new()
    {
        Header = new Header { Revision = revisions[^1] },
        Events = { revisions.Select(r => new Event { Kv = new Wire.Etcd.Mvccpb.KeyValue { Key = ByteString.CopyFromUtf8("a"), ModRevision = r } }) },
    };
}
