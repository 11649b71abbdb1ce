using Conclave.Conformance.Tests.Suite;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Suite.Requests;
using static Conclave.Wire.Etcd.Etcdserverpb.RangeRequest.Types;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>KV.Range: which keys, which of their fields, in which order, at which revision.</summary>
internal sealed class RangeCases : CaseGroup
{
    public override string Name => "range";

    protected override void Define()
    {
        Sorting();
        Ranges();
        Limits();
        RevisionFilters();
        Revisions();
        Serializable();
        BadInput();
    }

    /// <summary>Four keys whose orders by key, version, creation, change and value all differ.</summary>
    /// <remarks>Revisions: a is created at +1, d at +2, c and b at +3 and +4; then a is at version 3, b at 2, d at 4, c stays at 1.</remarks>
    private static Task<Answer> FourKeysAsync(Run c) => c.PrepareAsync(
        Put(c.Key("a"), "5"), Put(c.Key("d"), "1"), Put(c.Key("c"), "9"), Put(c.Key("b"), "2"),
        Do(Put(c.Key("d"), "1"), Put(c.Key("b"), "2")), Do(Put(c.Key("d"), "1"), Put(c.Key("a"), "5")), Put(c.Key("d"), "4"), Put(c.Key("a"), "3"));

    private static RangeRequest All(Run c) => Get(c.Key(""), c.EndOf(""));

    private void Sorting()
    {
        foreach (SortOrder order in Enum.GetValues<SortOrder>())
        {
            foreach (SortTarget target in Enum.GetValues<SortTarget>())
            {
                Case($"sort {order} by {target}", async c =>
                {
                    await FourKeysAsync(c);
                    await c.CallAsync(All(c).With(r => (r.SortOrder, r.SortTarget) = (order, target)));
                });
                Case($"sort {order} by {target}, two of four", async c =>
                {
                    await FourKeysAsync(c);
                    await c.CallAsync(All(c).With(r => (r.SortOrder, r.SortTarget, r.Limit) = (order, target, 2)));
                });
            }
        }
        Case("sort of keys alone", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.SortOrder, r.SortTarget, r.KeysOnly) = (SortOrder.Descend, SortTarget.Value, true)));
        });
        Case("sort of an old revision", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.SortOrder, r.SortTarget, r.Revision) = (SortOrder.Descend, SortTarget.Mod, c.First + 4)));
        });
        Case("sort of one key", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Get(c.Key("a")).With(r => (r.SortOrder, r.SortTarget) = (SortOrder.Descend, SortTarget.Version)));
        });
        Case("sort by value compares unsigned bytes", async c =>
        {
            await c.PrepareAsync(new PutRequest { Key = c.Key("1"), Value = ByteString.CopyFrom(0x80) }, new PutRequest { Key = c.Key("2"), Value = ByteString.CopyFrom(0x7f) },
                new PutRequest { Key = c.Key("3") }, new PutRequest { Key = c.Key("4"), Value = ByteString.CopyFrom(0x7f, 0) });
            await c.CallAsync(All(c).With(r => (r.SortOrder, r.SortTarget) = (SortOrder.Ascend, SortTarget.Value)));
        });
    }

    private void Ranges()
    {
        (string Name, Func<Run, RangeRequest> Request)[] ranges =
        [
            ("one key", c => Get(c.Key("b"))),
            ("a missing key", c => Get(c.Key("missing"))),
            ("from one key to another", c => Get(c.Key("b"), c.Key("d"))),
            ("a prefix", c => Get(c.Key(""), c.EndOf(""))),
            ("a prefix that nothing has", c => Get(c.Key("x"), c.EndOf("x"))),
            ("an end between keys", c => Get(c.Key("a"), c.Key("bb"))),
            ("an end that is the key", c => Get(c.Key("b"), c.Key("b"))),
            ("an end before the key", c => Get(c.Key("d"), c.Key("a"))),
            ("an end that is a prefix of the key", c => Get(c.Key("dd"), c.Key("d"))),
            ("the key and a zero byte as end", c => Get(c.Key("b"), c.Key("b\0"))),
            ("an end of two zero bytes", c => Get(c.Key("b"), ByteString.CopyFrom(0, 0))),
        ];
        foreach ((string name, Func<Run, RangeRequest> request) in ranges)
        {
            Case($"{name}", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(request(c));
            });
            Case($"{name}, count only", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(request(c).With(r => r.CountOnly = true));
            });
            Case($"{name}, keys only", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(request(c).With(r => r.KeysOnly = true));
            });
        }
        Case("from a key onwards", async c =>
        {
            ByteString last = ByteString.CopyFrom([0xff, 0xfe, .. c.Key("").ToByteArray()]);
            await c.PrepareAsync(new PutRequest { Key = last }, new PutRequest { Key = ByteString.CopyFrom([.. last.ToByteArray(), 0xff]) });
            await c.CallAsync(Get(last, Onwards));
            await c.CallAsync(Delete(last, Onwards));
        });
        Case("everything", async c =>
        {
            await c.CallAsync(Delete(Onwards, Onwards));
            await FourKeysAsync(c);
            await c.CallAsync(Get(Onwards, Onwards));
            await c.CallAsync(Get(Onwards, Onwards).With(r => r.CountOnly = true));
        });
        Case("keys of any bytes are in the order of unsigned bytes", async c =>
        {
            foreach (byte one in (byte[])[0, 1, 0x7f, 0x80, 0xc3, 0xff])
                await c.PrepareAsync(new PutRequest { Key = c.Key([one]) }, new PutRequest { Key = c.Key([one, 0xff]) });
            await c.CallAsync(All(c));
            await c.CallAsync(Get(c.Key([0x7f]), c.Key([0x80])));
            await c.CallAsync(Get(c.Key([0xff]), c.EndOf("")));
        });
        Case("a key of one zero byte", async c =>
        {
            await c.CallAsync(new PutRequest { Key = Onwards, Value = Text("zero") });
            await c.CallAsync(Get(Onwards));
            await c.CallAsync(Get(Onwards, ByteString.CopyFrom(0, 0)));
            await c.CallAsync(Delete(Onwards));
        });
        Case("a key that is a prefix of another comes first", async c =>
        {
            await c.PrepareAsync(Put(c.Key("ab")), Put(c.Key("a")), Put(c.Key("aa")), Put(c.Key("a\0")), Put(c.Key("b")));
            await c.CallAsync(Get(c.Key("a"), c.EndOf("a")));
        });
        Case("keys and values that are not UTF-8", async c =>
        {
            await c.CallAsync(new PutRequest { Key = c.Key([0xff, 0x00, 0xc0]), Value = ByteString.CopyFrom(0xfe, 0x00, 0x80) });
            await c.CallAsync(Get(c.Key([0xff, 0x00, 0xc0])));
        });
        Case("a long key", async c =>
        {
            ByteString key = c.Key(new string('k', 4000));
            await c.CallAsync(Put(key, "1"));
            await c.CallAsync(Get(key).With(r => r.CountOnly = true));
        });
        Case("an empty range", c => c.CallAsync(All(c)));
        Case("all fields of a key with a lease", async c =>
        {
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("k"), "v", c.LeaseId(1)));
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(Get(c.Key("k")).With(r => r.KeysOnly = true));
        });
    }

    private void Limits()
    {
        foreach (long limit in (long[])[-1, 1, 3, 4, 5, long.MaxValue])
        {
            Case($"limit {limit}", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => r.Limit = limit));
            });
            Case($"limit {limit}, count only", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => (r.Limit, r.CountOnly) = (limit, true)));
            });
            Case($"limit {limit}, keys only", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => (r.Limit, r.KeysOnly) = (limit, true)));
            });
        }
        Case("pages", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => r.Limit = 2));
            await c.CallAsync(Get(c.Key("b\0"), c.EndOf("")).With(r => (r.Limit, r.Revision) = (2, c.First + 8)));
        });
        Case("limit on one key", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Get(c.Key("a")).With(r => r.Limit = 1));
        });
        Case("keys only and count only", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.KeysOnly, r.CountOnly) = (true, true)));
        });
    }

    private void RevisionFilters()
    {
        (string Name, Action<RangeRequest, long> Set)[] filters =
        [
            ("min_mod_revision", (r, at) => r.MinModRevision = at), ("max_mod_revision", (r, at) => r.MaxModRevision = at),
            ("min_create_revision", (r, at) => r.MinCreateRevision = at), ("max_create_revision", (r, at) => r.MaxCreateRevision = at),
        ];
        foreach ((string name, Action<RangeRequest, long> set) in filters)
        {
            foreach (int offset in (int[])[0, 2, 3, 8, 100])
            {
                Case($"{name} at +{offset}", async c =>
                {
                    await FourKeysAsync(c);
                    await c.CallAsync(All(c).With(r => set(r, c.First + offset)));
                });
            }
            Case($"{name} with a limit", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => set(r, c.First + 3)).With(r => r.Limit = 1));
            });
            Case($"{name} with count only", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => set(r, c.First + 3)).With(r => r.CountOnly = true));
            });
            Case($"{name} below zero", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => set(r, -1)));
            });
        }
        Case("all four filters", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.MinModRevision, r.MaxModRevision, r.MinCreateRevision, r.MaxCreateRevision) = (c.First + 5, c.First + 8, c.First + 2, c.First + 4)));
        });
        Case("filters that leave nothing", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.MinModRevision, r.MaxModRevision) = (c.First + 8, c.First + 3)));
        });
        Case("a filter on an old revision, sorted", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.MaxModRevision, r.Revision, r.SortOrder) = (c.First + 3, c.First + 5, SortOrder.Descend)));
        });
    }

    private void Revisions()
    {
        foreach (int offset in (int[])[0, 1, 2, 4, 5, 7, 8])
        {
            Case($"the range at +{offset}", async c =>
            {
                await FourKeysAsync(c);
                await c.CallAsync(All(c).With(r => r.Revision = c.First + offset));
            });
        }
        foreach (int offset in (int[])[1, 2, 3, 4, 5])
        {
            Case($"a key that is deleted and made again, at +{offset}", async c =>
            {
                await c.PrepareAsync(Put(c.Key("k"), "1"), Put(c.Key("k"), "2"), Delete(c.Key("k")), Put(c.Key("other")), Put(c.Key("k"), "3"));
                await c.CallAsync(Get(c.Key("k")).With(r => r.Revision = c.First + offset));
            });
        }
        Case("revision -1 is the current one", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Get(c.Key("a")).With(r => r.Revision = -1));
        });
        Case("the current revision by number", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Get(c.Key("a")).With(r => r.Revision = c.First + 8));
        });
        Case("the next revision is the future", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(Get(c.Key("a")).With(r => r.Revision = c.First + 9));
        });
        Case("the largest revision", c => c.CallAsync(Get(c.Key("a")).With(r => r.Revision = long.MaxValue)));
        Case("the future, count only", c => c.CallAsync(All(c).With(r => (r.Revision, r.CountOnly) = (c.First + 1, true))));
        Case("the future of an empty range", c => c.CallAsync(Get(c.Key("b"), c.Key("a")).With(r => r.Revision = c.First + 1)));
        Case("an old revision, count only", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.Revision, r.CountOnly) = (c.First + 2, true)));
        });
        Case("an old revision, limited", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.Revision, r.Limit) = (c.First + 4, 3)));
        });
        Case("the first revision of all", c => c.CallAsync(All(c).With(r => r.Revision = 1)));
    }

    private void Serializable()
    {
        Case("serializable", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => r.Serializable = true));
        });
        Case("serializable, at an old revision", async c =>
        {
            await FourKeysAsync(c);
            await c.CallAsync(All(c).With(r => (r.Serializable, r.Revision) = (true, c.First + 3)));
        });
        Case("serializable, in the future", c => c.CallAsync(Get(c.Key("a")).With(r => (r.Serializable, r.Revision) = (true, c.First + 1))));
        Case("serializable, without a key", c => c.CallAsync(new RangeRequest { Serializable = true }));
    }

    private void BadInput()
    {
        Case("no key", c => c.CallAsync(new RangeRequest()));
        Case("no key but an end", c => c.CallAsync(new RangeRequest { RangeEnd = c.Key("z") }));
        Case("no key and everything", c => c.CallAsync(new RangeRequest { RangeEnd = Onwards }));
        Case("no key and a future revision", c => c.CallAsync(new RangeRequest { Revision = long.MaxValue }));
        Case("no key, count only", c => c.CallAsync(new RangeRequest { CountOnly = true }));
        Case("a sort order that does not exist", c => c.CallAsync(Get(c.Key("a")).With(r => r.SortOrder = (SortOrder)9)));
        // A sort target that does not exist is not asked for: it ends the process of etcd 3.4.
        Case("a negative sort order", c => c.CallAsync(Get(c.Key("a")).With(r => r.SortOrder = (SortOrder)(-1))));
    }
}
