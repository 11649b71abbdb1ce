using Conclave.Store.History;
using Conclave.Store.Leases;
using Conclave.Store.Sessions;
using Conclave.Store.Tree;

namespace Conclave.Store.Reading;

/// <summary>The hash of everything a client can see or will get to see, by which members find out that they have diverged.</summary>
/// <remarks>
/// Both sides that clients see are hashed although they should say the same: the versions in the key tree, which reads
/// find, and the log of changes, which watches read, in its order. What depends on this member alone goes in nowhere: the shape of
/// trees, which versions are still in memory below the compacted revision, the size, the batches. The applied index does
/// not either; who compares hashes compares them at one index.
/// Any change of what is hashed, or how, is a new <see cref="StoreView.StateHashScheme"/>.
/// </remarks>
internal static class StateHash
{
    public static ulong Of(StoreView view, in LeaseRoots leases)
    {
        var hash = new StateHasher();
        hash.Add(view.Revision);
        hash.Add(view.CompactRevision);
        hash.Add(view.KeyCount);
        AddVersions(ref hash, view.State, view.CompactRevision, view.Revision);
        AddChanges(ref hash, view);
        AddLeases(ref hash, leases);
        AddSessions(ref hash, view);
        AddCluster(ref hash, view);
        AddAuth(ref hash, view.Auth);
        return hash.Value;
    }

    private static void AddVersions(ref StateHasher hash, in ReadState state, long compactRevision, long revision)
    {
        var cursor = new TreeCursor<KeySlot>(state.Root);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            foreach (object item in cursor.Leaf!.Slots[..cursor.Leaf.Count])
            {
                if (item is not KeyHistory history)
                {
                    hash.Add((byte[])item);
                    continue;
                }

                foreach (KeyVersion version in history.Readable(compactRevision, revision))
                    hash.Add(version.Wire);
            }
        }
    }

    private static void AddChanges(ref StateHasher hash, StoreView view)
    {
        ChangeLogView log = view.Log;
        long start = log.FirstAt(view.CompactRevision);
        hash.Add(log.End - start);
        for (long sequence = start; sequence < log.End; sequence++)
        {
            ref readonly Change change = ref log[sequence];
            hash.Add(change.Wire);
            // At the compacted revision itself nobody is told any more what was there before.
            if (change.Previous is not null && change.Revision > view.CompactRevision)
                hash.Add(KeyValueWire.Mod(change.Previous));
        }
    }

    private static void AddLeases(ref StateHasher hash, in LeaseRoots leases)
    {
        hash.Add(leases.Count);
        foreach (LeaseState lease in leases.All())
        {
            hash.Add(lease.Id);
            hash.Add(lease.TtlSeconds);
        }

        var attached = new TreeCursor<Attachment>(leases.Attachments);
        attached.Seek([]);
        for (bool any = attached.Leaf is not null; any; any = attached.NextLeaf())
        {
            foreach (object composite in attached.Leaf!.Slots[..attached.Leaf.Count])
                hash.Add((byte[])composite);
        }
    }

    private static void AddSessions(ref StateHasher hash, StoreView view)
    {
        foreach (SessionAnswer answer in SessionTable.All(view.Sessions))
        {
            hash.Add(answer.Id);
            hash.Add(answer.Sequence);
            hash.Add((ulong)answer.Error);
            hash.Add(answer.Revision);
            hash.Add(answer.Body);
            if (answer.User is { } user)
                hash.Add(user);
        }
    }

    // Nothing while nobody has ever changed it: so the hash of a state without auth is what it was before there was any.
    private static void AddAuth(ref StateHasher hash, AuthState auth)
    {
        if (auth.IsInitial)
            return;
        hash.Add(auth.Revision << 1 | (auth.IsEnabled ? 1UL : 0));
        hash.Add(auth.TokenKey.Span);
        hash.Add(auth.Users.Count);
        foreach (AuthUser user in auth.Users.Values)
        {
            hash.Add(user.Name);
            hash.Add(user.PasswordHash);
            hash.Add(user.Generation << 1 | (user.IsWithoutPassword ? 1UL : 0));
            hash.Add(user.Roles.Length);
            foreach (string role in user.Roles)
                hash.Add(role);
        }

        foreach (AuthRole role in auth.Roles.Values)
        {
            hash.Add(role.Name);
            hash.Add(role.Permissions.Length);
            foreach (AuthPermission permission in role.Permissions)
            {
                hash.Add((long)permission.Kind);
                hash.Add(permission.Key.Span);
                hash.Add(permission.RangeEnd.Span);
            }
        }
    }

    private static void AddCluster(ref StateHasher hash, StoreView view)
    {
        hash.Add(view.Alarms.Length);
        foreach (ActiveAlarm alarm in view.Alarms)
        {
            hash.Add((ulong)alarm.Alarm);
            hash.Add(alarm.MemberId);
        }

        hash.Add(view.MemberAttributes.Count);
        foreach ((ulong member, ReadOnlyMemory<byte> attributes) in view.MemberAttributes)
        {
            hash.Add(member);
            hash.Add(attributes.Span);
        }

        hash.Add(view.Marks.Index);
        hash.Add(view.Marks.Number);
        foreach ((ulong id, MemberMark member) in view.Marks.Members)
        {
            hash.Add(id);
            hash.Add((member.IsVoter ? 1UL : 0) | (ulong)member.Verdict << 1 | (member.Report is null ? 0UL : 1) << 3);
            hash.Add(member.Acknowledged);
            hash.Add(member.Report ?? 0);
        }
    }
}
