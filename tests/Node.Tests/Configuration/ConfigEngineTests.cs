using System.Text;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Node.Configuration;
using Conclave.Node.Tests.Nodes;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Configuration;

/// <summary>What a member makes of records that are not as they should be. Nobody can write such ones; a backup or a disk may have them.</summary>
public class ConfigEngineTests
{
    private readonly KeyValueStore _store = new(new StoreOptions());
    private ulong _index;

    private void Write(params (string Key, byte[]? Value)[] pairs)
    {
        var txn = new TxnRequest();
        foreach ((string key, byte[]? value) in pairs)
        {
            txn.Success.Add(value is null ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) } }
                : new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFrom(value) } });
        }

        byte[] payload = Command.Encode(CommandKind.ServerTxn, 1, 1, txn.ToByteArray());
        Assert.True(Command.TryDecode(payload, out Command command));
        Assert.Equal(StoreError.None, _store.Apply(++_index, 1, command, wantResponse: false).Error);
        _store.Publish();
    }

    private static byte[] Record(long release) =>
        Fleet.Of(ConfigState.Initial).Plan(new Change(0, [new EntryEdit("d", Scope.Everything, "k", Entry.Set(Layers.Value.Of(release)))]), new ReleaseNote { Reason = "r" }).Record!.ToBytes();

    [Fact]
    public async Task A_space_that_cannot_be_read_keeps_no_other_from_being_served_and_is_served_when_it_can()
    {
        Write((ConfigKeys.Head("broken"), "1"u8.ToArray()), (ConfigKeys.Release("broken", 1), "no record"u8.ToArray()));
        Write((ConfigKeys.Head("whole"), "1"u8.ToArray()), (ConfigKeys.Release("whole", 1), Record(1)));   // behind it in order
        await using var engine = new ConfigEngine(() => _store.View, null, NullLogger.Instance);
        engine.Start();
        await TestNode.EventuallyAsync("it has looked", () => Task.FromResult(engine.HasStarted));
        Assert.Equal((1L, 0L, 1), (engine.Of("whole").Current.Release, engine.Of("broken").Current.Release, engine.DamagedCount));
        Assert.Null(engine.Damage);
        Assert.Null(engine.DamageOf("whole"));
        Assert.Contains("release 1 of space broken cannot be read", engine.DamageOf("broken"), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(["whole"], engine.Spaces.Select(s => s.Name));
        var metrics = new StringBuilder();
        ConfigMetrics.Write(metrics, engine);
        Assert.Contains("conclave_config_damaged_spaces 1\n", metrics.ToString(), StringComparison.Ordinal);
        Assert.Contains("conclave_config_release{space=\"whole\"} 1\n", metrics.ToString(), StringComparison.Ordinal);

        Write((ConfigKeys.Release("broken", 1), Record(1)));
        engine.Signal();
        await TestNode.EventuallyAsync("it is served", () => Task.FromResult(engine.DamageOf("broken") is null && engine.Of("broken").Current.Release == 1));
        Write((ConfigKeys.Head("broken"), null), (ConfigKeys.Release("broken", 1), null));
        engine.Signal();
        await TestNode.EventuallyAsync("it is gone", () => Task.FromResult(engine.Of("broken").Current.Release == 0));
    }
}
