using Conclave.Store.Tests.Auth;

namespace Conclave.Store.Tests;

public class ReservedKeysTests
{
    private const StoreError Fine = StoreError.None, Reserved = StoreError.Reserved;

    private readonly KeyValueStore _store = new(new StoreOptions());

    private StoreError Client(Request request) => _store.Do(request);

    private StoreError Server(params Request[] operations) => _store.Do(CommandKind.ServerTxn, new TxnOf([], operations, []).ToBytes());

    [Fact]
    public void Only_the_server_writes_below_the_prefix()
    {
        Assert.Equal(Reserved, Client(new PutOf("/conclave/x", "1")));
        Assert.Equal(Fine, Server(new PutOf("/conclave/x", "1")));
        Assert.Equal(Reserved, Client(new PutOf("/conclave/x", "2")));
        Assert.Equal(Fine, Server(new PutOf("/conclave/x", "2"), new PutOf("elsewhere")));
        Assert.Equal(Fine, Client(new PutOf("/conclave", "free")));
        Assert.Equal(Fine, Client(new PutOf("/conclave0", "free")));
    }

    [Fact]
    public void A_refused_command_changes_nothing()
    {
        Server(new PutOf("/conclave/x", "1"));
        _store.Publish();
        ulong before = _store.View.StateHash();
        long revision = _store.View.Revision;
        Client(new PutOf("/conclave/x", "2"));
        Client(new TxnOf([], [new PutOf("mine"), new PutOf("/conclave/x", "2")], []));
        Client(new DeleteOf("\0", "\0"));
        _store.Publish();
        Assert.Equal((before, revision), (_store.View.StateHash(), _store.View.Revision));
    }

    [Theory]
    [InlineData("/conclave/x", "", true)]
    [InlineData("/conclave/y", "", false)]
    [InlineData("\0", "\0", true)]
    [InlineData("/a", "/b", false)]
    [InlineData("/a", "/conclave/x", false)]
    [InlineData("/a", "/conclave/y", true)]
    [InlineData("/conclave/x", "/conclave/y", true)]
    [InlineData("/conclave/xx", "/conclave0", false)]
    [InlineData("/conclave/xx", "\0", false)]
    [InlineData("/conclave/y", "/conclave/x", false)]
    [InlineData("/conclave0", "\0", false)]
    public void A_deletion_is_refused_when_it_would_take_reserved_keys(string key, string end, bool refused)
    {
        Server(new PutOf("/conclave/x", "1"));
        StoreError expected = refused ? Reserved : Fine;
        Assert.Equal(expected, Client(new DeleteOf(key, end)));
        Assert.Equal(expected, Client(new TxnOf([], [new DeleteOf(key, end)], [])));
        Assert.Equal(expected, Client(new TxnOf([], [new TxnOf([], [new DeleteOf(key, end)], [])], [])));
        Assert.Equal(Fine, Server(new DeleteOf(key, end)));
    }

    [Fact]
    public void Of_a_transaction_only_the_branch_that_is_taken_counts()
    {
        CompareOf no = new("missing", 1, 1, 7);   // its creation is not above 7
        Assert.Equal(Fine, Client(new TxnOf([no], [new PutOf("/conclave/x")], [new PutOf("mine")])));
        Assert.Equal(Reserved, Client(new TxnOf([no], [new PutOf("mine")], [new PutOf("/conclave/x")])));
        Assert.Equal(Reserved, Client(new TxnOf([], [new PutOf("mine"), new TxnOf([no], [], [new PutOf("/conclave/x")])], [])));
    }

    [Fact]
    public void The_servers_transactions_have_no_limit_on_operations()
    {
        Request[] many = [.. Enumerable.Range(0, 5000).Select(i => new PutOf($"/conclave/{i}"))];
        Assert.Equal(StoreError.TooManyOperations, Client(new TxnOf([], many, [])));
        Assert.Equal(Fine, Server(many));
    }

    [Fact]
    public void With_auth_on_it_counts_by_whom_and_under_which_rules_the_server_made_it()
    {
        KeyValueStore store = AuthTestStore.WithAlice();
        byte[] body = new TxnOf([], [new PutOf("/conclave/x")], []).ToBytes();
        Assert.Equal(StoreError.UserEmpty, store.Do(CommandKind.ServerTxn, body));
        CommandIdentity alice = store.As("alice");
        Assert.Equal(Fine, store.Do(CommandKind.ServerTxn, body, alice));
        store.Do(AuthCommand.AddRole("other"), store.Root());
        Assert.Equal(StoreError.AuthRevisionOld, store.Do(CommandKind.ServerTxn, body, alice));
    }
}
