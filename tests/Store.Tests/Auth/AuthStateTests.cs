using Conclave.Support;
using FsCheck.Fluent;
using static Conclave.Store.Tests.Auth.AuthCommand;

namespace Conclave.Store.Tests.Auth;

public class AuthStateTests(ITestOutputHelper output)
{
    [Fact]
    public void Any_commands_give_what_the_model_says_and_survive_being_saved() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(400), program =>
        {
            var choices = new Choices(program);
            var model = new AuthModel();
            KeyValueStore store = new(new StoreOptions()), twin = new(new StoreOptions());
            var story = new List<string>();
            while (choices.AreLeft)
            {
                (AuthCommand command, StoreError expected) = model.Random(choices);
                story.Add($"{command} => {expected}");
                Assert.True(expected == store.Do(command, CommandIdentity.Member), string.Join('\n', story));
                Assert.Equal(expected, twin.Do(command, CommandIdentity.Member));
                store.Publish();
                twin.Publish();
                Assert.True(model.Describe() == AuthModel.Describe(store.View.Auth), string.Join('\n', story) + "\n" + AuthModel.Describe(store.View.Auth) + "\nexpected\n" + model.Describe());
                if (!choices.Chance(10))
                    continue;
                byte[] saved = SavedStateTests.Save(store.View);
                twin = SavedStateTests.Load(saved);
                Assert.Equal(saved, SavedStateTests.Save(twin.View));
                Assert.Equal(store.View.StateHash(), twin.View.StateHash());
                Assert.Equal(store.View.Auth.TokenKey.ToArray(), twin.View.Auth.TokenKey.ToArray());
            }

            Assert.Equal(store.View.StateHash(), twin.View.StateHash());
            Assert.Equal(SavedStateTests.Save(store.View), SavedStateTests.Save(twin.View));
        }), output, tests: 400);

    [Fact]
    public void Each_change_shows_in_the_state_hash()
    {
        KeyValueStore store = AuthTestStore.WithAlice((PermissionKind.Read, "a", "b"));
        HashSet<ulong> hashes = [store.View.StateHash()];
        AuthCommand[] changes =
        [
            AddUser("bob"), ChangePassword("bob"), GrantRole("bob", "app"), RevokeRole("bob", "app"), DeleteUser("bob"), AddRole("ops"), DeleteRole("ops"),
            Permit("app", PermissionKind.Write, "a", "b"), Permit("app", PermissionKind.Write, "a", "c"), Forbid("app", "a", "c"), Disable(), Enable(),
        ];
        foreach (AuthCommand change in changes)
        {
            Assert.Equal(StoreError.None, store.Do(change, CommandIdentity.Member));
            store.Publish();
            Assert.True(hashes.Add(store.View.StateHash()), change.Text);
        }
    }

    [Fact]
    public void Nothing_is_saved_of_auth_that_was_never_touched()
    {
        var store = new KeyValueStore(new StoreOptions());
        Assert.Equal(StoreError.RoleNotFound, store.Do(DeleteRole("none")));
        store.Publish();
        Assert.Equal(1, SavedStateTests.Save(store.View)[8]);
        store.Do(AddRole("app"));
        store.Publish();
        Assert.Equal(3, SavedStateTests.Save(store.View)[8]);
    }

    [Fact]
    public void Any_damage_to_saved_users_and_roles_is_noticed()
    {
        KeyValueStore store = AuthTestStore.WithAlice((PermissionKind.Read, "a", "b"), (PermissionKind.Write, "a", ""));
        store.Do(new GrantOf(5, 60), store.Root());
        SessionApply(store, new PutOf("a"), 5, 1, store.As("alice"));
        store.Publish();
        byte[] saved = SavedStateTests.Save(store.View);
        Assert.Equal(saved, SavedStateTests.Save(SavedStateTests.Load(saved).View));
        for (int position = 0; position < saved.Length; position++)
        {
            Assert.Throws<StoreDamagedException>(() => SavedStateTests.Load(saved[..position]));
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] damaged = [.. saved];
                damaged[position] ^= (byte)(1 << bit);
                Assert.Throws<StoreDamagedException>(() => SavedStateTests.Load(damaged));
            }
        }
    }

    [Fact]
    public void A_user_of_the_same_name_is_another_generation()
    {
        KeyValueStore store = AuthTestStore.WithAlice();
        ulong first = store.View.Auth.Users["alice"].Generation;
        store.Do(DeleteUser("alice"), CommandIdentity.Member);
        store.Do(AddUser("alice"), CommandIdentity.Member);
        store.Publish();
        Assert.True(store.View.Auth.Users["alice"].Generation > first);
    }

    [Fact]
    public void Names_are_listed_by_their_utf8()
    {
        var store = new KeyValueStore(new StoreOptions());
        string[] names = ["a", "ab", "b", "é", "\uE000", "\uFFFD", "\U0001F600"];
        foreach (string name in names.Reverse())
            Assert.Equal(StoreError.None, store.Do(AddRole(name)));
        store.Publish();
        Assert.Equal(names, store.View.Auth.Roles.Keys);
    }

    [Fact]
    public void What_is_no_text_is_no_name() =>
        Assert.Equal(StoreError.Malformed, new KeyValueStore(new StoreOptions()).Do(CommandKind.RoleAdd, new Proto().Bytes(1, [0xff]).ToArray()));

    [Fact]
    public void A_password_that_was_not_derived_does_not_get_in()
    {
        var store = new KeyValueStore(new StoreOptions());
        Assert.Equal(StoreError.Malformed, store.Do(CommandKind.UserAdd, new Proto().Utf8(1, "eve").Utf8(2, "secret").ToArray()));
    }

    private static void SessionApply(KeyValueStore store, Request request, long session, ulong sequence, CommandIdentity who) =>
        Assert.Equal(StoreError.None, store.Apply(store.AppliedIndex + 1, 1, new Command(StorePair.KindOf(request), 1, 1, request.ToBytes(), new SessionSequence(session, sequence), who), true).Error);
}
