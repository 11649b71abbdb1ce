using static Conclave.Store.Tests.Auth.AuthCommand;

namespace Conclave.Store.Tests.Auth;

public class PermissionTests
{
    private const StoreError Fine = StoreError.None, Denied = StoreError.PermissionDenied;

    private readonly KeyValueStore _store = AuthTestStore.WithAlice(
        (PermissionKind.Read, "r", "s"), (PermissionKind.Write, "w", "x"), (PermissionKind.ReadWrite, "b", "c"), (PermissionKind.Write, "b0", ""));

    private StoreError Alice(Request request) => _store.Do(request, _store.As("alice"));

    private StoreError AliceReads(RangeOf range) => _store.View.CheckRange(_store.As("alice"), range.ToBytes());

    [Fact]
    public void A_put_needs_write_and_read_for_the_previous_value()
    {
        Assert.Equal(Fine, Alice(new PutOf("w1")));
        Assert.Equal(Denied, Alice(new PutOf("r1")));
        Assert.Equal(Denied, Alice(new PutOf("w1") { Previous = true }));
        Assert.Equal(Fine, Alice(new PutOf("b1") { Previous = true }));
        Assert.Equal(Fine, Alice(new PutOf("w1") { IgnoreLease = true }));
    }

    [Fact]
    public void A_delete_needs_write_on_the_whole_range_and_read_for_what_it_shows()
    {
        Assert.Equal(Fine, Alice(new DeleteOf("w", "x")));
        Assert.Equal(Denied, Alice(new DeleteOf("w", "y")));
        Assert.Equal(Denied, Alice(new DeleteOf("w", "\0")));
        Assert.Equal(Denied, Alice(new DeleteOf("w", "x") { Previous = true }));
        Assert.Equal(Fine, Alice(new DeleteOf("b", "c") { Previous = true }));
    }

    [Fact]
    public void A_range_needs_read_on_all_of_it()
    {
        Assert.Equal(Fine, AliceReads(new RangeOf("r", "s")));
        Assert.Equal(Fine, AliceReads(new RangeOf("r5")));
        Assert.Equal(Denied, AliceReads(new RangeOf("r", "t")));
        Assert.Equal(Denied, AliceReads(new RangeOf("w")));
        Assert.Equal(Denied, AliceReads(new RangeOf("r", "\0")));
    }

    [Fact]
    public void A_transaction_is_checked_in_both_branches_and_in_what_it_nests()
    {
        CompareOf ours = new("r1", 0, 0), theirs = new("x1", 0, 0);
        Assert.Equal(Fine, Alice(new TxnOf([ours], [new PutOf("w1"), new RangeOf("r1")], [new DeleteOf("b1")])));
        Assert.Equal(Denied, Alice(new TxnOf([theirs], [], [])));
        Assert.Equal(Denied, Alice(new TxnOf([ours], [new PutOf("w1")], [new PutOf("z")])));
        Assert.Equal(Denied, Alice(new TxnOf([ours], [new PutOf("w1")], [new RangeOf("z")])));
        Assert.Equal(Denied, Alice(new TxnOf([], [new TxnOf([], [new TxnOf([theirs], [], [])], [])], [])));
        Assert.Equal(Denied, Alice(new TxnOf([], [new TxnOf([], [], [new DeleteOf("z")])], [])));
        Assert.Equal(Denied, Alice(new TxnOf([], [new PutOf("w1") { Previous = true }], [])));
        Assert.Equal(Denied, Alice(new TxnOf([], [new DeleteOf("w1") { Previous = true }], [])));
        _store.Publish();
        Assert.Equal(Fine, _store.View.CheckReadOnlyTxn(_store.As("alice"), new TxnOf([ours], [new RangeOf("r1")], []).ToBytes()));
        Assert.Equal(Denied, _store.View.CheckReadOnlyTxn(_store.As("alice"), new TxnOf([ours], [], [new RangeOf("w1")]).ToBytes()));
    }

    [Fact]
    public void A_denied_transaction_changes_nothing()
    {
        long before = _store.View.Revision;
        Assert.Equal(Denied, Alice(new TxnOf([], [new PutOf("w1"), new PutOf("z")], [])));
        _store.Publish();
        Assert.Equal(before, _store.View.Revision);
    }

    [Fact]
    public void Who_cannot_write_all_keys_of_a_lease_can_neither_use_nor_end_it()
    {
        Assert.Equal(Fine, Alice(new GrantOf(5, 60)));
        Assert.Equal(Fine, Alice(new PutOf("w1") { Lease = 5 }));
        Assert.Equal(Fine, _store.Do(new PutOf("z") { Lease = 5 }, _store.Root()));
        Assert.Equal(Denied, Alice(new PutOf("w2") { Lease = 5 }));
        Assert.Equal(Denied, Alice(new TxnOf([], [new PutOf("w2") { Lease = 5 }], [])));
        Assert.Equal(Denied, Alice(new RevokeOf(5)));
        _store.Publish();
        Assert.Equal(Denied, _store.View.CheckAttached(_store.As("alice"), 5, writes: true));
        Assert.Equal(Denied, _store.View.CheckAttached(_store.As("alice"), 5, writes: false));
        Assert.Equal(Fine, _store.View.CheckAttached(_store.Root(), 5, writes: true));
        Assert.Equal(Fine, _store.Do(new DeleteOf("z"), _store.Root()));
        Assert.Equal(Fine, Alice(new RevokeOf(5)));
    }

    [Fact]
    public void A_watch_needs_read_and_only_its_creation_is_checked()
    {
        CommandIdentity alice = _store.As("alice");
        StoreError Create(string key, string end) => _store.View.CheckWatch(alice, new Proto().Message(1, new Proto().Text(1, key).Text(2, end)).ToArray());
        Assert.Equal(Fine, Create("r", "s"));
        Assert.Equal(Denied, Create("r", "t"));
        Assert.Equal(Denied, Create("r", "\0"));   // etcd 3.4 takes this for the key alone
        Assert.Equal(Denied, Create("", "\0"));
        Assert.Equal(Fine, _store.View.CheckWatch(default, new Proto().Message(2, new Proto().Number(1, 7)).ToArray()));
    }

    [Fact]
    public void Compaction_alarms_and_all_of_auth_are_for_root()
    {
        AuthCommand[] commands =
        [
            AddUser("eve"), DeleteUser("eve"), ChangePassword("root"), AddRole("r"), DeleteRole("r"), GrantRole("alice", "root"), RevokeRole("alice", "app"),
            Permit("app", PermissionKind.ReadWrite, "a"), Forbid("app", "a"), Disable(), Enable(),
        ];
        foreach (AuthCommand command in commands)
        {
            Assert.Equal(Denied, _store.Do(command, _store.As("alice")));
            Assert.Equal(StoreError.UserEmpty, _store.Do(command));
        }

        Assert.Equal(Denied, Alice(new CompactTo(1)));
        Assert.Equal(Denied, Alice(new AlarmOf(1, 3, 1)));
        Assert.Equal(Fine, _store.Do(new AlarmOf(1, 3, 1), _store.Root()));
        Assert.Equal(Fine, _store.Do(new AlarmOf(2, 3, 1), CommandIdentity.Member));
    }

    [Fact]
    public void Nobody_is_refused_everything_until_auth_is_off()
    {
        Request[] requests = [new PutOf("w1"), new DeleteOf("w1"), new TxnOf([], [], []), new GrantOf(9, 60), new RevokeOf(9), new CompactTo(1), new AlarmOf(1, 3, 1)];
        foreach (Request request in requests)
            Assert.Equal(StoreError.UserEmpty, _store.Do(request));
        Assert.Equal(StoreError.UserEmpty, _store.View.CheckRange(default, new RangeOf("r").ToBytes()));
        Assert.Equal(StoreError.UserEmpty, _store.View.CheckAttached(default, 9, writes: true));
        Assert.Equal(Fine, _store.Do(Disable(), _store.Root()));
        Assert.Equal(Fine, _store.Do(new PutOf("z")));
        _store.Publish();
        Assert.Equal(Fine, _store.View.CheckRange(default, new RangeOf("r").ToBytes()));
    }

    [Fact]
    public void A_leader_ends_leases_and_compacts_by_itself()
    {
        Assert.Equal(Fine, _store.Do(new GrantOf(5, 60), _store.Root()));
        Assert.Equal(Fine, _store.Do(new PutOf("z") { Lease = 5 }, _store.Root()));
        Assert.Equal(Fine, _store.Do(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(5), origin: 0));
        Assert.Equal(Fine, _store.Do(CommandKind.Compact, CommandBody.Compact(2), origin: 0));
        Assert.Equal(Fine, _store.Do(CommandKind.MemberAttributes, CommandBody.MemberAttributes(1, "a"u8)));
    }

    [Fact]
    public void What_was_recognised_before_a_change_counts_no_more()
    {
        CommandIdentity alice = _store.As("alice"), root = _store.Root();
        Assert.Equal(Fine, _store.Do(AddRole("ops"), root));
        Assert.Equal(StoreError.AuthRevisionOld, _store.Do(new PutOf("w1"), alice));
        Assert.Equal(StoreError.AuthRevisionOld, _store.Do(new PutOf("w1"), root));
        Assert.Equal(Fine, _store.Do(AddRole("more"), root));   // an administrator goes on with the same token, as in etcd
        Assert.Equal(Fine, _store.Do(ChangePassword("root"), root));
        Assert.Equal(StoreError.AuthRevisionOld, _store.Do(AddRole("none"), root));   // but not with one from before the password
    }

    [Fact]
    public void A_user_that_is_gone_is_denied_and_so_is_one_whose_role_is()
    {
        Assert.Equal(Fine, _store.Do(DeleteRole("app"), _store.Root()));
        Assert.Equal(Denied, Alice(new PutOf("w1")));
        Assert.Equal(Fine, _store.Do(DeleteUser("alice"), _store.Root()));
        Assert.Equal(Denied, Alice(new PutOf("w1")));
        Assert.Equal(Denied, _store.Do(new GrantOf(9, 60), _store.As("alice")));
    }

    [Fact]
    public void A_session_belongs_to_the_user_who_wrote_in_it_first()
    {
        Assert.Equal(Fine, _store.Do(new GrantOf(5, 60), _store.Root()));
        Assert.Equal(Fine, _store.Do(AddUser("bob"), _store.Root()));
        Assert.Equal(Fine, _store.Do(GrantRole("bob", "app"), _store.Root()));
        StoreError InSession(Request request, ulong sequence, CommandIdentity who) =>
            _store.Apply(_store.AppliedIndex + 1, 1, new Command(StorePair.KindOf(request), 1, 1, request.ToBytes(), new SessionSequence(5, sequence), who), true).Error;

        Assert.Equal(StoreError.UserEmpty, InSession(new PutOf("w1"), 9, default));
        Assert.Equal(Fine, InSession(new PutOf("w1"), 1, _store.As("alice")));
        Assert.Equal(Denied, InSession(new PutOf("w1"), 1, _store.As("bob")));
        Assert.Equal(Denied, InSession(new PutOf("w1"), 7, _store.As("bob")));
        Assert.Equal(Denied, InSession(new PutOf("z"), 2, _store.As("alice")));
        Assert.Equal(Fine, _store.Do(Permit("app", PermissionKind.Write, "z"), _store.Root()));
        Assert.Equal(Denied, InSession(new PutOf("z"), 2, _store.As("alice")));   // a late copy does not succeed after its client was told no
        CommandIdentity old = _store.As("alice");
        Assert.Equal(Fine, _store.Do(AddRole("ops"), _store.Root()));
        Assert.Equal(StoreError.AuthRevisionOld, InSession(new PutOf("z"), 3, old));
        Assert.Equal(Fine, InSession(new PutOf("z"), 3, _store.As("alice")));
    }
}
