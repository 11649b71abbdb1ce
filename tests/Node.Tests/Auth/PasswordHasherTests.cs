using Conclave.Node.Auth;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Auth;

public sealed class PasswordHasherTests : IDisposable
{
    private readonly PasswordHasher _hasher = new(PasswordHasher.IterationsMin, atOnceMax: 1, waitingMax: 2);

    public void Dispose() => _hasher.Dispose();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_password_and_no_other_is_right()
    {
        string stored = await _hasher.HashAsync("pässword", Cancelled);

        Assert.StartsWith("$pbkdf2-sha512$210000$", stored);
        Assert.True(PasswordHasher.IsHash(stored));
        Assert.True(await _hasher.VerifyAsync(stored, "pässword", 0, Cancelled));
        Assert.False(await _hasher.VerifyAsync(stored, "password", 0, Cancelled));
        Assert.False(await _hasher.VerifyAsync(null, "pässword", 0, Cancelled));
        Assert.NotEqual(stored, await _hasher.HashAsync("pässword", Cancelled));
    }

    [Fact]
    public async Task What_was_stored_with_less_work_is_still_right()
    {
        string stored = await _hasher.HashAsync("secret", Cancelled);
        using var later = new PasswordHasher(PasswordHasher.IterationsOf(11), 1, 2);
        Assert.Equal(420_000, PasswordHasher.IterationsOf(11));
        Assert.True(await later.VerifyAsync(stored, "secret", 0, Cancelled));
    }

    [Fact]
    public async Task Known_and_unknown_users_cost_the_same_work_whatever_their_hashes_cost()
    {
        string easy = await _hasher.HashAsync("easy", Cancelled), hard;
        using (var costly = new PasswordHasher(PasswordHasher.IterationsOf(12), 1, 2))
            hard = await costly.HashAsync("hard", Cancelled);
        int hardest = PasswordHasher.HardestOf([easy, hard, ""]);
        long work = 0;
        using var counted = new PasswordHasher(PasswordHasher.IterationsOf(11), 1, 2, (password, salt, iterations) =>
        {
            work += iterations;
            return new byte[32];
        });
        async Task<long> WorkOfAsync(string? stored)
        {
            work = 0;
            await counted.VerifyAsync(stored, "password", hardest, Cancelled);
            return work;
        }

        Assert.Equal(PasswordHasher.IterationsOf(12), await WorkOfAsync(null));
        Assert.Equal(PasswordHasher.IterationsOf(12), await WorkOfAsync(easy));
        Assert.Equal(PasswordHasher.IterationsOf(12), await WorkOfAsync(hard));
        Assert.Equal(0, PasswordHasher.HardestOf([]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("$2a$10$abcdefghijklmnopqrstuv")]
    [InlineData("$pbkdf2-sha512$1000$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("$pbkdf2-sha512$999999999$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("$pbkdf2-sha512$210000$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void What_was_not_made_here_is_no_hash(string text) => Assert.False(PasswordHasher.IsHash(text));

    [Fact]
    public async Task More_than_may_wait_are_turned_away()
    {
        Task<string>[] all = [.. Enumerable.Range(0, 40).Select(_ => _hasher.HashAsync("x", Cancelled))];
        await Task.WhenAll(all).ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.Contains(all, task => task.IsCompletedSuccessfully);
        Assert.Contains(all, task => task.Exception?.InnerException is GrpcException turned && turned.Status == EtcdErrors.TooManyRequests);
        Assert.NotEmpty(await _hasher.HashAsync("x", Cancelled));
    }
}
