namespace Conclave.Store.Tests;

/// <summary>Answers as texts: what the model says directly, and the store's bytes decoded.</summary>
public static class AnswerText
{
    public static string Header(long revision) => $"@{revision} ";

    public static string Put(ModelKv? previous) => $"put{(previous is null ? "" : " over " + previous)}";

    public static string Delete(long deleted, IEnumerable<ModelKv> previous) => $"deleted {deleted} [{string.Join(", ", previous)}]";

    public static string Range(IEnumerable<ModelKv> kvs, bool more, long count) => $"range [{string.Join(", ", kvs)}]{(more ? " more" : "")} of {count}";

    public static string Txn(bool succeeded, IEnumerable<string> answers) => $"txn {succeeded} {{{string.Join(" | ", answers)}}}";

    public static string Alarms(IEnumerable<(int Alarm, ulong Member)> alarms) => $"alarms {string.Join(", ", alarms.Select(a => $"{a.Alarm} of {a.Member}"))}";

    /// <summary>The store's answer to a request.</summary>
    public static string Of(Request request, byte[] body) => request switch
    {
        RangeOf => RangeBody(new ProtoFields(body)),
        PutOf => PutBody(new ProtoFields(body)),
        DeleteOf => DeleteBody(new ProtoFields(body)),
        TxnOf => TxnBody(new ProtoFields(body)),
        GrantOf => $"granted {new ProtoFields(body).Number(2)} for {new ProtoFields(body).Number(3)}",
        AlarmOf => Alarms(new ProtoFields(body).Messages(2).Select(a => ((int)a.Number(2), (ulong)a.Number(1)))),
        _ => body.Length == 0 ? "" : "not empty",
    };

    public static ModelKv Kv(ProtoFields kv) => new(kv.Text(1), kv.Number(2), kv.Number(3), kv.Number(4), kv.Text(5), kv.Number(6));

    private static string RangeBody(ProtoFields body) => Range(body.Messages(2).Select(Kv), body.Number(3) == 1, body.Number(4));

    private static string PutBody(ProtoFields body) => Put(body.Has(2) ? Kv(body.Message(2)) : null);

    private static string DeleteBody(ProtoFields body) => Delete(body.Number(2), body.Messages(3).Select(Kv));

    private static string TxnBody(ProtoFields body) => Txn(body.Number(2) == 1, body.Messages(3).Select(Operation));

    private static string Operation(ProtoFields operation)
    {
        var body = new ProtoFields(operation.FirstBytes);
        if (!body.Has(1))
            return "no header";
        return Header(body.Message(1).Number(3)) + operation.FirstField switch
        {
            1 => RangeBody(body),
            2 => PutBody(body),
            3 => DeleteBody(body),
            _ => TxnBody(body),
        };
    }
}
