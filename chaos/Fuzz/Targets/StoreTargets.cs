using System.Buffers;
using System.Buffers.Binary;
using Conclave.Fuzz.Engine;
using Conclave.Store;
using Google.Protobuf;
using WatchResponse = Conclave.Wire.Etcd.Etcdserverpb.WatchResponse;

namespace Conclave.Fuzz.Targets;

/// <summary>The envelope of a log entry.</summary>
internal sealed class StoreCommandTarget : FuzzTarget
{
    public override string Name => "store-command";

    public override IReadOnlyList<byte[]> Corpus() => StoreSamples.Commands();

    public override void Read(byte[] input)
    {
        if (!Command.TryDecode(input, out Command command)) return;
        byte[] written = Command.Encode(command.Kind, command.Origin, command.RequestId, command.Body.Span, command.Session, command.Identity);
        Holds(written.AsSpan().SequenceEqual(input), "an envelope has one form");
    }
}

/// <summary>Any commands, applied one after the other: entries of two bytes of length and a payload.</summary>
internal sealed class StoreApplyTarget : FuzzTarget
{
    public override string Name => "store-apply";

    public override int BytesMax => 4 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 4096);   // stores of their own, saved and loaded

    public override IReadOnlyList<byte[]> Corpus()
    {
        byte[][] commands = StoreSamples.Commands();
        return [Script(commands), Script(commands[..9]), Script(commands[9..]), Script([.. commands[..4], .. commands[9..14]]), .. commands.Select(command => Script([command, commands[0], command]))];
    }

    public override void Read(byte[] input)
    {
        var store = new KeyValueStore(new StoreOptions { CompactionChangesPerPublish = 3 });
        ulong index = 0;
        var answers = new Dictionary<SessionSequence, ApplyOutcome>();
        for (ReadOnlyMemory<byte> rest = input; rest.Length >= 2;)
        {
            int length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(rest.Span), rest.Length - 2);
            ReadOnlyMemory<byte> payload = rest.Slice(2, length);
            rest = rest[(2 + length)..];
            if (!Command.TryDecode(payload, out Command command)) continue;
            long before = store.View.Revision;
            ApplyOutcome outcome = store.Apply(++index, 1, command, wantResponse: (index & 1) == 0);
            if ((index & 3) != 0) store.Publish();
            // The kept answer of a session is given again as it was, with the revision of then.
            bool isAgain = answers.TryGetValue(command.Session, out ApplyOutcome kept) && kept.Error == outcome.Error && kept.Revision == outcome.Revision && kept.Body.Span.SequenceEqual(outcome.Body.Span);
            Holds(outcome.Revision >= before || isAgain, $"revisions never fall: {command.Kind} at {index} gave {outcome.Revision} after {before}, {outcome.Error}");
            if (!command.Session.IsNone && !isAgain) answers[command.Session] = outcome;
            Holds(outcome.Error == StoreError.None || outcome.Body.IsEmpty || !command.Session.IsNone, $"a refusal has no body: {command.Kind} at {index} gave {outcome.Error}");
        }

        store.Publish();
        byte[] saved = Save(store);
        KeyValueStore loaded = KeyValueStore.Load(new MemoryStream(saved), new StoreOptions());
        Holds(Save(loaded).AsSpan().SequenceEqual(saved), "what was loaded is saved as it was");
        Holds(loaded.View.StateHash() == store.View.StateHash(), "what was loaded is the same state");
    }

    public static byte[] Save(KeyValueStore store)
    {
        var saved = new ArrayBufferWriter<byte>();
        KeyValueStore.Save(store.View, saved);
        return saved.WrittenSpan.ToArray();
    }

    private static byte[] Script(IEnumerable<byte[]> commands)
    {
        var script = new List<byte>();
        foreach (byte[] command in commands)
        {
            script.Add((byte)command.Length);
            script.Add((byte)(command.Length >> 8));
            script.AddRange(command);
        }

        return [.. script];
    }
}

/// <summary>What clients send on a watch stream: entries of one byte of length and a request, with changes of the store in between.</summary>
internal sealed class StoreWatchTarget : FuzzTarget, IWatchSessionHost
{
    public override string Name => "store-watch";

    public override int BytesMax => 1 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 16 << 10);   // each byte may be a watcher, with a little history each

    ulong IWatchSessionHost.ClusterId => 1;

    ulong IWatchSessionHost.MemberId => 2;

    ulong IWatchSessionHost.Term => 3;

    void IWatchSessionHost.Signal()
    {
        // It is asked whenever there may be something.
    }

    public override IReadOnlyList<byte[]> Corpus() =>
        [.. StoreSamples.Watches.Select(watch => Framed(watch)), [.. StoreSamples.Watches.SelectMany(Framed)], [.. StoreSamples.Watches.Reverse().SelectMany(Framed)]];

    public override void Read(byte[] input)
    {
        var store = new KeyValueStore(new StoreOptions());
        using var session = new WatchSession(store.Watches, this);
        byte[][] commands = StoreSamples.Commands();
        ulong index = 0;
        for (ReadOnlyMemory<byte> rest = input; rest.Length >= 1;)
        {
            int length = Math.Min((int)rest.Span[0], rest.Length - 1);
            ReadOnlySpan<byte> request = rest.Span.Slice(1, length);
            rest = rest[(1 + length)..];
            RequestCheck.CreatesWatch(request);
            if (session.WantsRequests && session.Submit(request) != StoreError.None) break;
            if (index < 14 && Command.TryDecode(commands[index], out Command command)) store.Apply(++index, 1, command, wantResponse: false);
            if (index % 3 == 0) store.Publish();
            if (index % 5 == 0) Drain(session);
        }

        store.Publish();
        session.OnTimer(1_000_000);
        Drain(session);
    }

    private static void Drain(WatchSession session)
    {
        var response = new ArrayBufferWriter<byte>();
        for (int taken = 0; session.TryTake(response); taken++)
        {
            WatchResponse.Parser.ParseFrom(response.WrittenSpan);   // whole messages only
            response.ResetWrittenCount();
            Holds(taken < 10_000, "there is an end to what a stream has to say");
        }
    }

    private static byte[] Framed(IMessage message) => [(byte)message.CalculateSize(), .. message.ToByteArray()];
}

/// <summary>Saved states: what snapshots and backups carry.</summary>
internal sealed class StoreStateTarget : FuzzTarget
{
    public override string Name => "store-state";

    public override (long Fixed, long PerByte) MemoryMax => (2 << 20, 2048);   // four stores and their buffers

    public override IReadOnlyList<byte[]> Corpus()
    {
        byte[][] commands = StoreSamples.Commands();
        var states = new List<byte[]>();
        foreach (int count in (int[])[0, 3, 9, 20, 26, 34, commands.Length])
        {
            var store = new KeyValueStore(new StoreOptions());
            for (int i = 0; i < count; i++)
            {
                if (Command.TryDecode(commands[i], out Command command)) store.Apply((ulong)i + 1, 1, command, wantResponse: false);
            }

            store.Publish();
            states.Add(StoreApplyTarget.Save(store));
        }

        return states;
    }

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < 4) return input;
        var crc = new Store.Saving.Crc32C();
        crc.Add(input.AsSpan(..^4));
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(input.Length - 4), crc.Value);
        return input;
    }

    public override void Read(byte[] input)
    {
        KeyValueStore loaded;
        try
        {
            loaded = KeyValueStore.Load(new MemoryStream(input), new StoreOptions());
        }
        catch (StoreDamagedException)
        {
            return;
        }

        byte[] saved = StoreApplyTarget.Save(loaded);
        KeyValueStore again = KeyValueStore.Load(new MemoryStream(saved), new StoreOptions());
        Holds(again.View.StateHash() == loaded.View.StateHash(), "what was loaded is saved as the same state");
        Holds(StoreApplyTarget.Save(again).AsSpan().SequenceEqual(saved), "and in one form");
        // It has to work, too.
        ulong index = loaded.AppliedIndex;
        foreach (byte[] payload in StoreSamples.Commands())
        {
            if (index < ulong.MaxValue - 1 && Command.TryDecode(payload, out Command command)) loaded.Apply(++index, 1, command, wantResponse: true);
        }

        loaded.Publish();
    }
}
