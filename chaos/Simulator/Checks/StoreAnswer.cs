using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>Answers as texts: what the oracle says directly, and the store's bytes decoded.</summary>
internal static class StoreAnswer
{
    public static string Put(OracleKey? previous) => $"put{(previous is null ? "" : " over " + previous)}";

    public static string Delete(long deleted, IEnumerable<OracleKey> previous) => $"deleted {deleted} [{string.Join(", ", previous)}]";

    public static string Range(IEnumerable<OracleKey> keys, bool more, long count) => $"range [{string.Join(", ", keys)}]{(more ? " more" : "")} of {count}";

    public static string Txn(bool succeeded, IEnumerable<string> answers) => $"txn {succeeded} {{{string.Join(" | ", answers)}}}";

    public static string Operation(long revision, string answer) => $"@{revision} {answer}";

    public static string Granted(long id, long ttlSeconds) => $"granted {id} for {ttlSeconds}";

    /// <summary>The store's answer.</summary>
    public static string Of(StoreRequest request, StoreError error, ReadOnlySpan<byte> body)
    {
        if (error != StoreError.None) return error.ToString();
        var fields = new ProtoFields(body);
        return request switch
        {
            StoreOperation operation => OfOperation(operation.OperationField, fields),
            LeaseGrantRequest => Granted(fields.Number(2), fields.Number(3)),
            _ => body.IsEmpty ? "" : "not empty",
        };
    }

    /// <summary>Of an etcd TxnResponse: whether its conditions held.</summary>
    public static bool Succeeded(ReadOnlySpan<byte> body) => new ProtoFields(body).Number(2) == 1;

    public static OracleKey Key(ProtoFields key) => new(key.Text(1), key.Number(2), key.Number(3), key.Number(4), key.Text(5), key.Number(6));

    private static string OfOperation(int field, ProtoFields body) => field switch
    {
        1 => Range(body.Parts(2).Select(key => Key(new ProtoFields(key))), body.Number(3) == 1, body.Number(4)),
        2 => Put(body.Has(2) ? Key(body.Message(2)) : null),
        3 => Delete(body.Number(2), body.Parts(3).Select(key => Key(new ProtoFields(key)))),
        4 => Txn(body.Number(2) == 1, body.Parts(3).Select(OfResponse)),
        _ => throw new SimulationFailure($"No operation has field {field}."),
    };

    private static string OfResponse(byte[] response)
    {
        int field = new ProtoFields(response).First(out byte[] content);
        var body = new ProtoFields(content);
        return Operation(body.Message(1).Number(3), OfOperation(field, body));
    }
}
