using Conclave.Node.Auth;
using Conclave.Store;
using Pb = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Node.Tests.Auth;

public class SimpleTokensTests
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(300);

    private readonly SteppedTime _time = new();
    private readonly AuthStates _states = new();
    private readonly SimpleTokens _tokens;

    public SimpleTokensTests() => _tokens = new SimpleTokens(_time, Idle);

    private async Task<string?> UserOf(string token, SimpleTokens? on = null) => (await (on ?? _tokens).ReadAsync(token, _states.Now)).User;

    private string Issue() => _tokens.Issue(_states.Now, _states.Alice);

    private SimpleTokens AnotherMember() => new(_time, Idle);

    [Fact]
    public async Task A_member_recognises_what_another_issued()
    {
        Assert.Equal("alice", await UserOf(Issue(), AnotherMember()));
        Assert.Equal(_states.Now.Revision, (await _tokens.ReadAsync(Issue(), _states.Now)).AuthRevision);
    }

    [Fact]
    public async Task Use_keeps_a_token_good_where_it_is_used()
    {
        string token = Issue();
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(200));
            Assert.Equal("alice", await UserOf(token));
        }

        Assert.Null(await UserOf(token, AnotherMember()));
        _time.Advance(Idle + TimeSpan.FromSeconds(1));
        Assert.Null(await UserOf(token));
        Assert.Null(await UserOf(token));   // it stays so
    }

    [Fact]
    public async Task A_token_that_was_never_used_ends()
    {
        string token = Issue();
        _time.Advance(Idle + TimeSpan.FromSeconds(1));
        Assert.Null(await UserOf(token));
        Assert.Null(await UserOf(token, AnotherMember()));
    }

    [Fact]
    public async Task A_new_password_ends_the_tokens_of_the_old_one()
    {
        string token = Issue();
        _states.Do(CommandKind.UserChangePassword, new Pb.AuthUserChangePasswordRequest { Name = "alice", HashedPassword = "$2" });
        Assert.Null(await UserOf(token));
        Assert.Equal("alice", await UserOf(Issue()));
    }

    [Fact]
    public async Task Other_changes_do_not()
    {
        string token = Issue();
        _states.Do(CommandKind.RoleAdd, new Pb.AuthRoleAddRequest { Name = "app" });
        Assert.Equal(_states.Now.Revision, (await _tokens.ReadAsync(token, _states.Now)).AuthRevision);
    }

    [Fact]
    public async Task A_user_of_the_same_name_is_somebody_else()
    {
        string token = Issue();
        _states.Do(CommandKind.UserDelete, new Pb.AuthUserDeleteRequest { Name = "alice" });
        Assert.Null(await UserOf(token));
        _states.Do(CommandKind.UserAdd, new Pb.AuthUserAddRequest { Name = "alice", HashedPassword = "$" });
        Assert.Null(await UserOf(token));
    }

    [Fact]
    public async Task Switching_auth_off_and_on_ends_all_tokens()
    {
        string token = Issue();
        _states.Disable();
        _states.Enable(seed: 2);
        Assert.Null(await UserOf(token));
        Assert.Null(await UserOf(token, AnotherMember()));
    }

    [Fact]
    public async Task No_letter_of_a_token_can_be_changed()
    {
        string token = Issue();
        SimpleTokens other = AnotherMember();
        for (int i = 0; i < token.Length - 1; i++)   // the last one holds bits that are not used
        {
            char[] changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.Null(await UserOf(new string(changed), other));
        }

        foreach (string cut in (string[])["", "A", token[..20], token[..^4], token + "AAAA", new string('A', 200_000), "no base64!"])
            Assert.Null(await UserOf(cut, other));
    }

    /// <summary>The library's base64 passes over white space and over the bits that the last letter does not need. Each spelling would take a place in the table.</summary>
    [Theory]
    [InlineData(" {0}")]
    [InlineData("{0}\n")]
    [InlineData("{0}=")]
    [InlineData("{0}==")]
    public async Task A_token_has_one_spelling(string spelling)
    {
        string token = Issue();
        foreach (SimpleTokens member in (SimpleTokens[])[_tokens, AnotherMember()])
        {
            Assert.Null(await UserOf(string.Format(System.Globalization.CultureInfo.InvariantCulture, spelling, token), member));
            Assert.Null(await UserOf(token[..10] + " " + token[10..], member));
            Assert.Equal("alice", await UserOf(token, member));
        }
    }

    [Fact]
    public async Task What_is_remembered_is_bounded()
    {
        var recent = new RecentTokens<string>(_time, Idle, countMax: 100);
        for (int i = 0; i < 1_000; i++) recent.Add($"token {i}", "x");
        int known = Enumerable.Range(0, 1_000).Count(i => recent.TryUse($"token {i}", out _, out _));
        Assert.InRange(known, 1, 200);
        await Task.CompletedTask;
    }
}
