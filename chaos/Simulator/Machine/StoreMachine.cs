using System.Buffers;
using System.Buffers.Binary;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>The real key-value store. Its hash covers every answer it gave, and now and then the whole saved state.</summary>
internal sealed class StoreMachine : INodeMachine
{
    private const ulong FullHashEvery = 64;
    private static readonly StoreOptions Options = new() { WatchProgressMilliseconds = 1_000 };
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly KeyValueStore _store;

    private readonly StoreFaults _faults;

    public StoreMachine(StoreFaults faults)
        : this(new KeyValueStore(Options, faults), faults)
    {
    }

    private StoreMachine(KeyValueStore store, StoreFaults faults) => (_store, _faults) = (store, faults);

    public EntryId Applied { get; private set; }
    public ulong Hash { get; private set; }

    /// <summary>What the last entry gave; nothing if it was no command.</summary>
    public ApplyOutcome LastOutcome { get; private set; }

    /// <summary>What readers see.</summary>
    public StoreView View => _store.View;

    public WatchHub Watches => _store.Watches;

    public void Apply(in Entry entry)
    {
        LastOutcome = default;
        if (entry.Index != Applied.Index.Next) throw new SimulationFailure($"I16: entry {entry.Id} is applied after {Applied}.");
        if (entry.Kind == EntryKind.Command && Store.Command.TryDecode(entry.Payload, out Store.Command command))
        {
            ApplyOutcome outcome = LastOutcome = _store.Apply(entry.Index.Value, entry.Term.Value, command, wantResponse: true);
            Mix((ulong)outcome.Error);
            Mix((ulong)outcome.Revision);
            Mix(outcome.Body.Span);
        }
        else
        {
            _store.AdvanceApplied(entry.Index.Value, entry.Term.Value);
        }
        Mix(entry.Term.Value);
        Applied = entry.Id;
        if (entry.Index.Value % FullHashEvery != 0) return;
        Publish();
        Mix(View.StateHash());
        Mix(SaveStore());
        RequireRefused(entry);
    }

    /// <summary>The store is the last to notice when an entry comes a second time.</summary>
    private void RequireRefused(in Entry entry)
    {
        try
        {
            _store.AdvanceApplied(entry.Index.Value, entry.Term.Value);
        }
        catch (InvalidOperationException)
        {
            return; // as it should be
        }
        throw new SimulationFailure($"I16: the store takes entry {entry.Id} a second time.");
    }

    public void Publish() => _store.Publish();

    //  | term u64 | hash u64 | the store's own bytes |
    public byte[] Save()
    {
        ReadOnlySpan<byte> store = SaveStore();
        byte[] bytes = new byte[16 + store.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Applied.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Hash);
        store.CopyTo(bytes.AsSpan(16));
        return bytes;
    }

    public static StoreMachine Load(byte[] bytes, StoreFaults faults)
    {
        var machine = new StoreMachine(LoadStore(bytes, faults), faults);
        machine.TakeOver(bytes);
        return machine;
    }

    public void Install(byte[] bytes)
    {
        _store.Install(LoadStore(bytes, _faults));
        TakeOver(bytes);
    }

    private static KeyValueStore LoadStore(byte[] bytes, StoreFaults faults) => KeyValueStore.Load(new MemoryStream(bytes, 16, bytes.Length - 16, writable: false), Options, faults);

    private void TakeOver(byte[] bytes)
    {
        Applied = new EntryId(new LogIndex(_store.AppliedIndex), new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes)));
        Hash = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8));
    }

    private ReadOnlySpan<byte> SaveStore()
    {
        _buffer.ResetWrittenCount();
        KeyValueStore.Save(_store.View, _buffer);
        return _buffer.WrittenSpan;
    }

    private void Mix(ulong value)
    {
        ulong mixed = (Hash ^ value) * 0xD6E8FEB86659FD93;
        Hash = mixed ^ (mixed >> 32);
    }

    private void Mix(ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..]) Mix(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) Mix(value);
    }
}
