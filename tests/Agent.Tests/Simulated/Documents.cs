using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Simulated;

/// <summary>Makes messages as a server sends them.</summary>
internal static class Documents
{
    /// <param name="name">Of the document.</param>
    /// <param name="release">Its release.</param>
    /// <param name="items">"key=JSON"; a key that ends in ! is secret, one that ends in ~ is live.</param>
    public static V1.DocumentDelta Whole(string name, long release, params string[] items)
    {
        var delta = new V1.DocumentDelta { Document = name, Release = release, Whole = true };
        foreach (string item in items)
        {
            string[] parts = item.Split('=', 2);
            string key = parts[0].TrimEnd('!', '~');
            delta.Set.Add(new V1.Item { Key = key, Value = parts[1], Secret = parts[0].EndsWith('!'), Live = parts[0].EndsWith('~') });
        }

        delta.Hash = HashOf(delta);
        return delta;
    }

    public static AgentDocument Document(string name, long release, params string[] items) =>
        AgentDocument.Apply(before: null, Whole(name, release, items), release, out string problem) ?? throw new InvalidOperationException(problem);

    public static V1.Delta Message(params V1.DocumentDelta[] documents)
    {
        var delta = new V1.Delta { ToRelease = documents.Max(d => d.Release) };
        delta.Documents.AddRange(documents);
        return delta;
    }

    public static ByteString HashOf(V1.DocumentDelta whole)
    {
        if (whole.Set.Count == 0) return ByteString.CopyFrom(System.Security.Cryptography.SHA256.HashData([1, 0]));   // no keys
        V1.DocumentDelta open = whole.Clone();
        foreach (V1.Item item in open.Set) item.Secret = true;   // with a secret in it, any hash is taken
        AgentDocument document = AgentDocument.Apply(before: null, open, whole.Release, out string problem) ?? throw new InvalidOperationException(problem);
        return ByteString.CopyFrom(document.Effective.Hash);
    }
}
