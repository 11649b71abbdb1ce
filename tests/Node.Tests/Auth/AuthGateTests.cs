using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Grpc;
using Microsoft.Extensions.Logging;
using Pb = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Node.Tests.Auth;

public class AuthGateTests
{
    private readonly SteppedTime _time = new();
    private readonly AuthStates _states = new();
    private readonly ListLogger _log = new();
    private readonly SimpleTokens _tokens;
    private Func<Task<bool>?> _confirm = () => Task.FromResult(true);

    public AuthGateTests() => _tokens = new SimpleTokens(_time, TimeSpan.FromSeconds(300));

    private AuthGate Gate(Func<StoreView>? view = null, bool auditReads = false) =>
        new(view ?? (() => _states.View), () => _confirm(), _tokens, new AuditLog(_log, allowedWrites: true, auditReads, _time));

    private string AliceToken() => _tokens.Issue(_states.Now, _states.Alice);

    private static async Task<GrpcStatus> RefusalAsync(Func<Task> call) => (await Assert.ThrowsAsync<GrpcException>(call)).Status;

    [Fact]
    public async Task A_token_wins_over_a_certificate_and_a_certificate_over_nothing()
    {
        Assert.Equal("alice", (await Gate().IdentifyAsync(new Call { TokenText = AliceToken(), Certificate = "root" })).User);
        Assert.Equal("root", (await Gate().IdentifyAsync(new Call { Certificate = "root" })).User);
        Assert.Equal(EtcdErrors.InvalidAuthToken, await RefusalAsync(() => Gate().IdentifyAsync(new Call { TokenText = "bad", Certificate = "root" }).AsTask()));
        Assert.Equal(EtcdErrors.UserEmpty, await RefusalAsync(() => Gate().IdentifyAsync(new Call()).AsTask()));
    }

    [Fact]
    public async Task A_certificate_counts_for_nothing_where_json_is_asked_for() =>
        Assert.Equal(EtcdErrors.UserEmpty, await RefusalAsync(() => Gate().IdentifyAsync(new Call { Certificate = "root", IsJson = true }).AsTask()));

    [Fact]
    public async Task A_certificate_of_nobody_is_denied() =>
        Assert.Equal(EtcdErrors.PermissionDenied, await RefusalAsync(() => Gate().RequireUserAsync(new Call { Certificate = "mallory" }).AsTask()));

    [Fact]
    public async Task Whoever_a_member_that_lags_does_not_know_is_looked_for_again_when_it_has_caught_up()
    {
        StoreView old = _states.View;
        StoreView now = old;
        _states.Do(CommandKind.UserAdd, new Pb.AuthUserAddRequest { Name = "late", HashedPassword = "$" });
        string token = _tokens.Issue(_states.Now, _states.Now.Users["late"]);
        _confirm = () =>
        {
            now = _states.View;
            return Task.FromResult(true);
        };

        Assert.Equal("late", (await Gate(() => now).IdentifyAsync(new Call { TokenText = token })).User);
        now = old;
        _states.Disable();
        Assert.True((await Gate(() => now).IdentifyAsync(new Call())).IsNone);   // auth is off by now
        now = old;
        _confirm = () => null;
        Assert.Equal(EtcdErrors.InvalidAuthToken, await RefusalAsync(() => Gate(() => now).IdentifyAsync(new Call { TokenText = token }).AsTask()));
    }

    [Fact]
    public async Task Only_root_passes_where_an_administrator_is_required_and_both_are_written_down()
    {
        await Gate().RequireAdminAsync(new Call { Certificate = "root" });
        Assert.Equal(EtcdErrors.PermissionDenied, await RefusalAsync(() => Gate().RequireAdminAsync(new Call { TokenText = AliceToken() }).AsTask()));
        Assert.Equal(2, _log.Lines.Count);
        Assert.StartsWith("allowed: user \"root\", /test/Method", _log.Lines[0]);
        Assert.StartsWith("denied: user \"alice\", /test/Method, from somewhere: etcdserver: permission denied", _log.Lines[1]);
    }

    [Fact]
    public void The_audit_says_which_keys_and_shows_no_value()
    {
        var audit = new AuditLog(_log, allowedWrites: true, allowedReads: false, _time);
        CommandIdentity alice = CommandIdentity.Of("al\nice", 1);
        byte[] put = Google.Protobuf.MessageExtensions.ToByteArray(new Pb.PutRequest { Key = Google.Protobuf.ByteString.CopyFrom([(byte)'k', 0, (byte)'"', .. new byte[200]]), Value = Google.Protobuf.ByteString.CopyFromUtf8("secret") });
        audit.Wrote(new Call(), alice, CommandKind.Put, put, StoreError.None);
        audit.Wrote(new Call(), alice, CommandKind.UserGrantRole, Google.Protobuf.MessageExtensions.ToByteArray(new Pb.AuthUserGrantRoleRequest { User = "bob", Role = "app" }), StoreError.RoleNotFound);
        Assert.StartsWith("allowed: user \"al\\x0aice\", /test/Method \"k\\x00\\x22\\x00", _log.Lines[0]);
        Assert.Contains("\\x00\"..., from", _log.Lines[0]);
        Assert.DoesNotContain("secret", _log.Lines[0]);
        Assert.EndsWith("\"bob\" \"app\", from somewhere: etcdserver: role name not found", _log.Lines[1]);
    }

    [Fact]
    public async Task Strangers_fill_no_disk()
    {
        AuthGate gate = Gate();
        for (int i = 0; i < 500; i++) await RefusalAsync(() => gate.IdentifyAsync(new Call()).AsTask());
        Assert.InRange(_log.Lines.Count, 1, 30);
        _time.Advance(TimeSpan.FromSeconds(2));
        await RefusalAsync(() => gate.IdentifyAsync(new Call()).AsTask());
        Assert.Contains(_log.Lines, line => line.Contains("were left out"));
    }

    [Fact]
    public async Task A_user_who_is_denied_again_and_again_fills_no_disk_and_hides_no_other()
    {
        AuthGate gate = Gate();
        for (int i = 0; i < 500; i++) await RefusalAsync(() => gate.RequireAdminAsync(new Call { Certificate = "alice" }).AsTask());
        Assert.Equal(100, _log.Lines.Count);
        await RefusalAsync(() => gate.RequireAdminAsync(new Call { Certificate = "mallory" }).AsTask());
        Assert.Contains("mallory", _log.Lines[^1]);
        _time.Advance(TimeSpan.FromSeconds(2));
        await RefusalAsync(() => gate.RequireAdminAsync(new Call { Certificate = "alice" }).AsTask());
        Assert.StartsWith("400 lines were left out", _log.Lines[^2]);
        Assert.StartsWith("denied: user \"alice\"", _log.Lines[^1]);
    }

    [Fact]
    public void A_transaction_shows_what_it_writes_and_how_much_more_there_is()
    {
        Pb.RequestOp Put(string key) => new() { RequestPut = new Pb.PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key), Value = Google.Protobuf.ByteString.CopyFromUtf8("secret") } };
        Pb.RequestOp Get(string key) => new() { RequestRange = new Pb.RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key) } };
        string KeysOf(Pb.TxnRequest txn) => AuditLog.KeysIn(CommandKind.Txn, Google.Protobuf.MessageExtensions.ToByteArray(txn));

        Assert.Equal(" \"b\" \"c\" and 1 more", KeysOf(new Pb.TxnRequest { Success = { Get("a"), Put("b") }, Failure = { Put("c") } }));
        Assert.Equal(" \"a\" \"b\"", KeysOf(new Pb.TxnRequest { Success = { Get("a"), Get("b") } }));
        Assert.Equal(" \"c\"", KeysOf(new Pb.TxnRequest { Compare = { new Pb.Compare { Key = Google.Protobuf.ByteString.CopyFromUtf8("c") } } }));
        Assert.EndsWith(" \"k7\" and 12 more", KeysOf(new Pb.TxnRequest { Success = { Enumerable.Range(0, 20).Select(i => Put($"k{i}")) } }));
        Assert.Equal("", KeysOf(new Pb.TxnRequest()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reads_and_watches_that_were_allowed_are_written_down_if_wanted(bool wanted)
    {
        AuthGate gate = Gate(auditReads: wanted);
        byte[] asked = Google.Protobuf.MessageExtensions.ToByteArray(new Pb.RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("/app/x"), RangeEnd = Google.Protobuf.ByteString.CopyFromUtf8("/app/y") });
        byte[] watched = Google.Protobuf.MessageExtensions.ToByteArray(new Pb.WatchRequest { CreateRequest = new Pb.WatchCreateRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("w") } });
        await gate.CheckReadAsync(new Call { Certificate = "root" }, _states.View, (_, _) => StoreError.None, () => AuditLog.RangeOf(asked));
        Assert.Null(await gate.WatchRefusalAsync(new Call { Certificate = "root" }, watched));
        await gate.RequireRangeAsync(new Call { Certificate = "root" }, "k"u8.ToArray(), default);
        if (!wanted) Assert.Empty(_log.Lines);
        else Assert.Equal([" [\"/app/x\", \"/app/y\")", " \"w\"", " \"k\""], _log.Lines.Select(line => line.Split("/test/Method")[1].Split(", from")[0]));
    }

    [Fact]
    public async Task A_read_that_is_done_again_for_want_of_room_is_written_down_once()
    {
        AuthGate gate = Gate(auditReads: true);
        var call = new Call { Certificate = "root" };
        for (int run = 0; run < 3; run++)
        {
            await gate.CheckReadAsync(call, _states.View, (_, _) => StoreError.None, () => " \"k\"");
            call.IsDoneAgain = true;
        }

        Assert.Single(_log.Lines);
        await gate.CheckReadAsync(new Call { Certificate = "root", IsDoneAgain = true }, _states.View, (_, _) => StoreError.None, () => " \"k\"");   // auth was off the first time
        Assert.Equal(2, _log.Lines.Count);
        await Assert.ThrowsAsync<GrpcException>(() => gate.CheckReadAsync(call, _states.View, (_, _) => StoreError.PermissionDenied, () => " \"k\"").AsTask());
        Assert.Equal(3, _log.Lines.Count);
    }

    [Fact]
    public async Task A_watch_that_is_denied_says_of_what()
    {
        byte[] asked = Google.Protobuf.MessageExtensions.ToByteArray(new Pb.WatchRequest { CreateRequest = new Pb.WatchCreateRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("/secret") } });
        Assert.NotNull(await Gate().WatchRefusalAsync(new Call { Certificate = "mallory" }, asked));
        Assert.Contains("\"/secret\"", _log.Lines[^1]);
    }

    private sealed class Call : RpcContext
    {
        public string? TokenText { get; init; }

        public string? Certificate { get; init; }

        public bool IsJson { get; init; }

        public bool IsDoneAgain { get; set; }

        internal override bool IsRepeat => IsDoneAgain;

        public override RpcMethod Method { get; } = RpcMethod.ForUnary<Pb.RangeRequest, Pb.RangeResponse>("/test/Method", (_, _, _) => default);

        public override CancellationToken Cancellation => default;

        public override GrpcStatus CancellationStatus => EtcdErrors.RequestCanceled;

        public override TimeSpan? Timeout => null;

        public override string Peer => "somewhere";

        public override bool ViaGateway => IsJson;

        public override string? CertificateName => Certificate;

        public override string? Metadata(string key) => key == "token" ? TokenText : null;
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }
}
