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
        Fleet.Of(ConfigState.Initial).Plan(new Change(0, [new EntryEdit($"d{release}", Scope.Everything, "k", Entry.Set(Layers.Value.Of(release)))]), new ReleaseNote { Reason = "r" }).Record!.ToBytes();

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

        // What others write does not have all of it read again: only a release of its own, or another state.
        Write((ConfigKeys.Release("broken", 1), Record(1)));
        Write((ConfigKeys.Head("whole"), "2"u8.ToArray()), (ConfigKeys.Release("whole", 2), Record(2)));
        engine.Signal();
        await TestNode.EventuallyAsync("the other goes on", () => Task.FromResult(engine.Of("whole").Current.Release == 2));
        Write((ConfigKeys.Head("whole"), "3"u8.ToArray()), (ConfigKeys.Release("whole", 3), Record(3)));
        engine.Signal();   // a pass after that one, which is over then
        await TestNode.EventuallyAsync("the other goes on", () => Task.FromResult(engine.Of("whole").Current.Release == 3));
        Assert.NotNull(engine.DamageOf("broken"));
        Write((ConfigKeys.Head("broken"), "2"u8.ToArray()), (ConfigKeys.Release("broken", 2), Record(2)));
        engine.Signal();
        await TestNode.EventuallyAsync("it is served", () => Task.FromResult(engine.DamageOf("broken") is null && engine.Of("broken").Current.Release == 2));

        Write((ConfigKeys.Head("broken"), "3"u8.ToArray()), (ConfigKeys.Release("broken", 3), "no record"u8.ToArray()));
        engine.Signal();
        await TestNode.EventuallyAsync("it is damaged", () => Task.FromResult(engine.DamageOf("broken") is not null));
        Write((ConfigKeys.Head("broken"), "1"u8.ToArray()), (ConfigKeys.Release("broken", 3), null), (ConfigKeys.Release("broken", 2), null));
        engine.Restart();
        await TestNode.EventuallyAsync("it is served", () => Task.FromResult(engine.DamageOf("broken") is null && engine.Of("broken").Current.Release == 1));
        Write((ConfigKeys.Head("broken"), null), (ConfigKeys.Release("broken", 1), null));
        engine.Signal();
        await TestNode.EventuallyAsync("it is gone", () => Task.FromResult(engine.Of("broken").Current.Release == 0));
    }

    [Fact]
    public void What_was_put_together_of_old_releases_is_not_lost_when_an_earlier_one_is_asked_for_in_between()
    {
        for (int i = 1; i <= 9; i++) Write((ConfigKeys.Head("s"), Encoding.UTF8.GetBytes($"{i}")), (ConfigKeys.Release("s", i), Record(i)));
        var space = new ConfigSpace("s");
        space.Follow(_store.View, anew: false);
        Write((ConfigKeys.Release("s", 7), "no record"u8.ToArray()));
        Assert.Throws<ConfigDamagedException>(() => Fold(8));   // ended at 6, as one that had no more time
        Assert.Equal(2, Fold(2).State.Release);
        Write((ConfigKeys.Release("s", 5), "no record"u8.ToArray()), (ConfigKeys.Release("s", 7), Record(7)));
        Assert.Equal(8, Fold(8).State.Release);   // 5 is not read again
        Write((ConfigKeys.Release("s", 4), "no record"u8.ToArray()));
        Assert.Throws<ConfigDamagedException>(() => Fold(5));   // ended at 3, behind what there is
        Write((ConfigKeys.Release("s", 3), "no record"u8.ToArray()), (ConfigKeys.Release("s", 4), Record(4)), (ConfigKeys.Release("s", 5), Record(5)));
        Assert.Equal(5, Fold(5).State.Release);

        Fleet Fold(long release) => space.Fold(_store.View, space.Current, release, TestContext.Current.CancellationToken);
    }
}
