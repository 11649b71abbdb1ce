using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Conclave.Store;

namespace Conclave.Node.Auth;

/// <summary>Tokens that any member recognises without having heard of them: signed with the secret that is part of the replicated state.</summary>
/// <remarks>
/// <code>
/// | format u8 = 1 | generation u64 | issued at, Unix ms i64 | random 8 | user name ... | HMAC-SHA-256 of all before (32) |     base64url
/// </code>
/// The generation is the user's: a new password, or another user of the same name, makes the token worthless. A new secret, which comes with each
/// switching on of auth, makes all worthless. As in etcd a token ends when it was not used for a while. Members do not tell each other of
/// uses, so each counts those it sees, and the issue: a client that turns to another member later than that logs in again.
/// </remarks>
internal sealed class SimpleTokens(TimeProvider time, TimeSpan idleMax) : ITokens
{
    private const byte Format = 1;
    private const int HeaderBytes = 25, MacBytes = HMACSHA256.HashSizeInBytes;

    /// <summary>Tokens that are remembered within one idle time; about 10 MB.</summary>
    private const int RecentMax = 50_000;

    /// <summary>Longer texts are not looked at.</summary>
    private const int TokenCharactersMax = 100_000;

    private readonly RecentTokens<Content> _recent = new(time, idleMax, RecentMax);

    private sealed record Content(string User, ulong Generation, ReadOnlyMemory<byte> Key);

    public bool FollowsState => true;

    public string Issue(AuthState auth, AuthUser user)
    {
        int nameBytes = Encoding.UTF8.GetByteCount(user.Name);
        byte[] bytes = new byte[HeaderBytes + nameBytes + MacBytes];
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(1), user.Generation);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(9), time.GetUtcNow().ToUnixTimeMilliseconds());
        RandomNumberGenerator.Fill(bytes.AsSpan(17, 8));
        Encoding.UTF8.GetBytes(user.Name, bytes.AsSpan(HeaderBytes));
        HMACSHA256.HashData(auth.TokenKey.Span, bytes.AsSpan(0, HeaderBytes + nameBytes), bytes.AsSpan(HeaderBytes + nameBytes));
        string token = Base64Url.EncodeToString(bytes);
        _recent.Add(token, new Content(user.Name, user.Generation, auth.TokenKey));
        return token;
    }

    public ValueTask<CommandIdentity> ReadAsync(string token, AuthState auth) => new(Read(token, auth));

    private CommandIdentity Read(string token, AuthState auth)
    {
        if (!_recent.TryUse(token, out Content? content, out bool isIdle))
        {
            if (isIdle || Open(token, auth) is not { } opened) return default;
            content = opened;
            _recent.Add(token, content);
        }

        bool isGood = content!.Key.Span.SequenceEqual(auth.TokenKey.Span)   // not null: found or opened
            && auth.Users.TryGetValue(content.User, out AuthUser? user) && user.Generation == content.Generation;
        return isGood ? CommandIdentity.Of(content.User, auth.Revision) : default;
    }

    /// <summary>Null unless it was signed with the secret of the state, and issued within the idle time: of uses elsewhere nothing is known here.</summary>
    private Content? Open(string token, AuthState auth)
    {
        if (token.Length > TokenCharactersMax || !Base64Url.IsValid(token)) return null;
        byte[] bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= HeaderBytes + MacBytes || bytes[0] != Format) return null;
        // One token is one text: else white space in it would make as many of it as fill the table, and push out those of others.
        if (Base64Url.EncodeToString(bytes) != token) return null;
        ReadOnlySpan<byte> signed = bytes.AsSpan(..^MacBytes);
        Span<byte> mac = stackalloc byte[MacBytes];
        HMACSHA256.HashData(auth.TokenKey.Span, signed, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(^MacBytes..))) return null;

        // The clocks of members differ a little; a token from the future is one of a member whose clock is ahead.
        double ageMilliseconds = time.GetUtcNow().ToUnixTimeMilliseconds() - (double)BinaryPrimitives.ReadInt64LittleEndian(signed[9..]);
        if (Math.Abs(ageMilliseconds) > idleMax.TotalMilliseconds || !Utf8.IsValid(signed[HeaderBytes..])) return null;
        return new Content(Encoding.UTF8.GetString(signed[HeaderBytes..]), BinaryPrimitives.ReadUInt64LittleEndian(signed[1..]), auth.TokenKey);
    }
}
