using System.Buffers;

namespace Conclave.Store.Tests;

/// <summary>A store and its model, given the same commands; every answer is compared.</summary>
public sealed class StorePair
{
    private int _unpublished;

    public KeyValueStore Store { get; set; } = new(new StoreOptions { CompactionChangesPerPublish = 2 });

    public ModelStore Model { get; } = new();

    /// <summary>What happened, for failures.</summary>
    public List<string> Story { get; } = [];

    public static CommandKind KindOf(Request request) => request switch
    {
        PutOf => CommandKind.Put,
        DeleteOf => CommandKind.DeleteRange,
        TxnOf => CommandKind.Txn,
        CompactTo => CommandKind.Compact,
        GrantOf => CommandKind.LeaseGrant,
        RevokeOf => CommandKind.LeaseRevoke,
        AlarmOf => CommandKind.Alarm,
        _ => throw new ArgumentException("no command"),
    };

    /// <summary>A request that passes the check before the log; the others never become commands.</summary>
    public static bool IsValid(Request request) => request is not TxnOf || RequestCheck.Txn(request.ToBytes(), out _, out _, out _) == StoreError.None;

    public static ApplyOutcome ApplyTo(KeyValueStore store, Request request) =>
        store.Apply(store.AppliedIndex + 1, 1, new Command(KindOf(request), 1, 1, request.ToBytes()), wantResponse: true);

    public static string Text(Request request, StoreError error, ReadOnlyMemory<byte> body) =>
        error == StoreError.None ? AnswerText.Of(request, body.ToArray()) : error.ToString();

    public void Apply(Request request)
    {
        ApplyOutcome outcome = ApplyTo(Store, request);
        string expected = Model.Apply(request), actual = Text(request, outcome.Error, outcome.Body);
        Story.Add($"{request} => {actual} @{outcome.Revision}");
        Expect(expected == actual, $"answer: expected {expected}");
        Expect(outcome.Revision == Model.Revision, $"revision: expected {Model.Revision}");
        _unpublished++;
    }

    public void Publish()
    {
        Store.Publish();
        _unpublished = 0;
        Expect(Store.View.Revision == Model.Revision && Store.View.CompactRevision == Model.Compacted, "published revisions");
        Expect(Store.View.KeyCount == Model.KeyCount, $"key count {Store.View.KeyCount}: expected {Model.KeyCount}");
    }

    public void Read(RangeOf range)
    {
        if (_unpublished > 0)
            Publish();
        string actual = ReadText(Store.View, range), expected = Model.Read(range);
        Expect(expected == actual, $"{range} => {actual}: expected {expected}");
    }

    public static string ReadText(StoreView view, RangeOf range)
    {
        var body = new ArrayBufferWriter<byte>();
        return Text(range, view.Range(range.ToBytes(), body), body.WrittenMemory);
    }

    public void Expect(bool condition, string what)
    {
        if (!condition)
            throw new Xunit.Sdk.XunitException($"{what}\n{string.Join('\n', Story)}");
    }
}
