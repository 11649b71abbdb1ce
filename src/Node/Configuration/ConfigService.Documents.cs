using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Node.Http;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>What documents there are, and what is in them.</content>
internal sealed partial class ConfigService
{
    private const int KeysMax = 1000, KeyScopesMax = 100, PageCharactersMax = 1 << 20;

    private async ValueTask<IMessage> DocumentsAsync(RpcContext call, V1.DocumentsRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        string[] named = request.Document.Length > 0 ? [request.Document] : [];
        await _access.RequireReadAsync(call, now.Space, named).ConfigureAwait(false);
        Func<string, bool> mayRead = await _access.ReadableAsync(call, now.Space).ConfigureAwait(false);
        SpaceSnapshot at = await AtAsync(call, space, now, request.At, () => RequireSomeReadAsync(call, now)).ConfigureAwait(false);
        var answer = new V1.DocumentsResponse { Release = at.Release };
        foreach ((string name, DocumentState document) in at.State.Documents)
        {
            if ((named.Length > 0 && name != request.Document) || !mayRead(name)) continue;
            if (document.Scopes.IsEmpty && document.Schemas.IsEmpty) continue;   // it is remembered only for its last release
            call.Cancellation.ThrowIfCancellationRequested();
            SortedDictionary<string, List<Scope>> keys = KeysOf(document);
            answer.Documents.Add(new V1.DocumentInfo
            {
                Document = name,
                Keys = keys.Count,
                Scopes = document.Scopes.Count,
                Entries = document.Scopes.Values.Sum(static s => (long)s.Count),
                Schemas = document.Schemas.Count,
                Changed = document.Head,
            });
            if (named.Length > 0) AddKeys(answer, at, document, keys, request);
        }

        if (named.Length > 0 && answer.Documents.Count == 0) throw NotFound($"nothing is said of {request.Document} at release {at.Release}; conclave documents shows what there is");
        return answer;
    }

    /// <summary>The scopes that say something of each key, least specific first.</summary>
    private static SortedDictionary<string, List<Scope>> KeysOf(DocumentState document)
    {
        var keys = new SortedDictionary<string, List<Scope>>(StringComparer.Ordinal);
        foreach ((Scope scope, var entries) in document.Scopes)
        {
            foreach (string key in entries.Keys)
            {
                if (!keys.TryGetValue(key, out List<Scope>? scopes)) keys[key] = scopes = [];
                scopes.Add(scope);
            }
        }

        return keys;
    }

    private static void AddKeys(V1.DocumentsResponse answer, SpaceSnapshot at, DocumentState document, SortedDictionary<string, List<Scope>> keys, V1.DocumentsRequest request)
    {
        int limit = request.Limit is > 0 and < KeysMax ? (int)request.Limit : KeysMax;
        int characters = 0;
        foreach (string key in keys.Keys.Union(document.Schemas.Keys).Where(k => string.CompareOrdinal(k, request.AfterKey) > 0).Order(StringComparer.Ordinal))
        {
            if (answer.More = answer.Keys.Count == limit || characters > PageCharactersMax) break;
            List<Scope> scopes = keys.GetValueOrDefault(key) ?? [];
            var info = new V1.KeyInfo { Key = key, Entries = scopes.Count, HasSchema = document.Schemas.ContainsKey(key), Type = Named(document.SchemaOf(key).Type), Secret = at.IsSecret(request.Document, key) };
            info.Scopes.AddRange(scopes.Take(KeyScopesMax).Select(at.State.Dimensions.TextOf));
            characters += key.Length + info.Scopes.Sum(static text => text.Length);
            answer.Keys.Add(info);
        }
    }
}
