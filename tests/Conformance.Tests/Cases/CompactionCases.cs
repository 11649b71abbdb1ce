using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using static Conclave.Conformance.Tests.Suite.Requests;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>KV.Compact, and what can be read afterwards. The store is this group's alone.</summary>
internal sealed class CompactionCases : CaseGroup
{
    public override string Name => "compaction";

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private static CompactionRequest Compact(long revision, bool physical = false) => new() { Revision = revision, Physical = physical };

    /// <summary>k at +1 and +2, deleted at +3, l at +4, k again at +5, l at +6.</summary>
    private static Task<Answer> HistoryAsync(Run c) =>
        c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Delete(c.Key("k")), Put(c.Key("l"), "1"), Put(c.Key("k"), "3"), Put(c.Key("l"), "2"));

    protected override void Define()
    {
        Case("revision 0 of a new store, once and again", async c =>
        {
            await c.CallAsync(Compact(0));
            await c.CallAsync(Compact(0));
        }, Over.Grpc);
        Case("a negative revision", c => c.CallAsync(Compact(-1)));
        foreach (bool physical in (bool[])[false, true])
        {
            string kind = physical ? "physical" : "logical";
            for (int at = 1; at <= 6; at++)
            {
                int offset = at;
                Case($"{kind}, at +{offset}", async c =>
                {
                    await HistoryAsync(c);
                    await c.CallAsync(Compact(c.First + offset, physical));
                    for (int revision = offset - 1; revision <= Math.Min(6, offset + 1); revision++)
                        await c.CallAsync(All(c).With(r => r.Revision = c.First + revision), $"Range at +{revision}");
                    await c.CallAsync(All(c));
                });
            }
            Case($"{kind}, again", async c =>
            {
                await HistoryAsync(c);
                await c.CallAsync(Compact(c.First + 3, physical));
                await c.CallAsync(Compact(c.First + 3, physical));
                await c.CallAsync(Compact(c.First + 2, physical));
                await c.CallAsync(Compact(1, physical));
            });
            Case($"{kind}, in the future", async c =>
            {
                await HistoryAsync(c);
                await c.CallAsync(Compact(c.First + 7, physical));
                await c.CallAsync(Compact(long.MaxValue, physical));
            });
        }
        Case("it takes no revision", async c =>
        {
            await HistoryAsync(c);
            await c.CallAsync(Compact(c.First + 4));
            await c.CallAsync(Put(c.Key("next")));
        });
        Case("what is below is compacted for every kind of read", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(Compact(c.First + 4));
            await c.CallAsync(All(c).With(r => (r.Revision, r.CountOnly) = (c.First + 3, true)));
            await c.CallAsync(Get(c.Key("k")).With(r => r.Revision = c.First + 3));
            await c.CallAsync(Get(c.Key("missing")).With(r => r.Revision = c.First + 3));
            await c.CallAsync(Get(c.Key("l"), c.Key("k")).With(r => r.Revision = c.First + 3));
            await c.CallAsync(All(c).With(r => (r.Revision, r.Serializable) = (c.First + 3, true)));
            await c.CallAsync(Do(All(c).With(r => r.Revision = c.First + 3)));
            await c.CallAsync(Do(Put(c.Key("undone")), All(c).With(r => r.Revision = c.First + 3)));
            await c.CallAsync(If().Else(All(c).With(r => r.Revision = c.First + 3)));
            await c.CallAsync(All(c).With(r => r.KeysOnly = true));
        });
        Case("revision 1 is compacted too", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(Compact(c.First + 2));
            await c.CallAsync(All(c).With(r => r.Revision = 1));
        });
        Case("the future comes before compacted", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(Compact(c.First + 6));
            await c.CallAsync(All(c).With(r => r.Revision = c.First + 7));
        });
        Case("the current revision", async c =>
        {
            await HistoryAsync(c);
            await c.CallAsync(Compact(c.First + 6));
            await c.CallAsync(All(c));
            await c.CallAsync(Put(c.Key("k"), "4"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("a key that is compacted away begins again", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k")), Delete(c.Key("k")), Compact(c.First + 2, physical: true));
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("versions and creation outlast it", async c =>
        {
            await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Put(c.Key("k"), "3"), Compact(c.First + 3, physical: true));
            await c.CallAsync(Put(c.Key("k"), "4").With(p => p.PrevKv = true));
            await c.CallAsync(Get(c.Key("k")));
        });
        Case("the hash of what is compacted", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(Compact(c.First + 4));
            await c.CallAsync(new HashKVRequest { Revision = c.First + 3 });
            await c.CallAsync(new HashKVRequest { Revision = c.First + 4 });
            await c.CallAsync(new HashKVRequest { Revision = c.First + 7 });
        }, Over.Grpc);
        Case("filters at the compacted revision", async c =>
        {
            await HistoryAsync(c);
            await c.PrepareAsync(Compact(c.First + 5));
            await c.CallAsync(All(c).With(r => (r.Revision, r.MinModRevision) = (c.First + 5, c.First + 5)));
            await c.CallAsync(All(c).With(r => (r.Revision, r.MaxModRevision) = (c.First + 5, c.First + 4)));
        });
        Case("leases outlast it", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("k"), "1", c.LeaseId(1)), Put(c.Key("k"), "2", c.LeaseId(1)), Compact(c.First + 2, physical: true));
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
            await c.CallAsync(All(c));
        });
    }
}
