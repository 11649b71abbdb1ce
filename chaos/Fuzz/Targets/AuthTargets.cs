using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Node.Auth;
using Conclave.Store;

namespace Conclave.Fuzz.Targets;

/// <summary>A cluster with one user.</summary>
internal static class AuthSamples
{
    public static readonly AuthUser User = new() { Name = "root", PasswordHash = StoreSamples.Hash, IsWithoutPassword = false, Generation = 3, Roles = ["root"] };

    public static readonly AuthState State = new() { IsEnabled = true, Revision = 7, TokenKey = new byte[32], Users = AuthState.Initial.Users.Add("root", User) };

    /// <summary>Both kinds of tokens answer at once; the interface is asynchronous for others.</summary>
    public static CommandIdentity Read(ITokens tokens, string token) => tokens.ReadAsync(token, State).AsTask().GetAwaiter().GetResult();
}

/// <summary>Simple tokens. What is drawn is the signed content; sealing signs it with the cluster's key.</summary>
internal sealed class SimpleTokenTarget : FuzzTarget
{
    private readonly SimpleTokens _tokens = new(TimeProvider.System, TimeSpan.FromDays(30_000));

    public override string Name => "auth-simple";

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 256);

    public override IReadOnlyList<byte[]> Corpus() => [[1, 3, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x68, 0xe5, 0xcf, 0x8b, 0x01, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, .. "root"u8, .. new byte[32]]];

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < 32) return input;
        HMACSHA256.HashData(AuthSamples.State.TokenKey.Span, input.AsSpan(..^32), input.AsSpan(^32..));
        return input;
    }

    public override void Read(byte[] input)
    {
        CommandIdentity bare = AuthSamples.Read(_tokens, Encoding.Latin1.GetString(input)), who = AuthSamples.Read(_tokens, Base64Url.EncodeToString(input));
        Holds(bare.IsNone || bare.User == "root", "nobody else is there");
        bool isSigned = input.Length > 32 && HMACSHA256.HashData(AuthSamples.State.TokenKey.Span, input.AsSpan(..^32)).AsSpan().SequenceEqual(input.AsSpan(^32..));
        Holds(who.IsNone || who.User == "root" && isSigned, "a token that is not signed names nobody");
    }
}

/// <summary>JSON web tokens. What is drawn is header and payload; sealing signs them.</summary>
internal sealed class JwtTarget : FuzzTarget
{
    private static readonly byte[] Key = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
    private readonly JwtTokens _tokens = Tokens();

    public override string Name => "auth-jwt";

    public override (long Fixed, long PerByte) MemoryMax => (256 << 10, 1024);

    public override IReadOnlyList<byte[]> Corpus() =>
        Texts("""{"alg":"HS256","typ":"JWT"}.{"username":"root","revision":7,"exp":4102444800}""", """{"alg":"none"}.{"username":"root","revision":7,"exp":4102444800}""", """{"alg":"HS256","kid":"a"}.{"username":"u","revision":"x","exp":1e9}""", ".", "a.b.c.d.e");

    public override IReadOnlyList<byte[]> Words => Texts("\"username\":", "\"revision\":", "\"exp\":", "-1", "18446744073709551615", "1.5", "null", "[]", "{}", "\"\"", "none", "HS512", "\"zip\":\"DEF\"", "\"enc\":\"A128GCM\"", "\"crit\":[]", ".");

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        int dot = input.AsSpan().LastIndexOf("}.{"u8) + 1;
        if (dot == 0) return input;
        string signed = $"{Base64Url.EncodeToString(input.AsSpan(0, dot))}.{Base64Url.EncodeToString(input.AsSpan(dot + 1))}";
        return Encoding.ASCII.GetBytes($"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(signed)))}");
    }

    public override void Read(byte[] input)
    {
        string token = Encoding.Latin1.GetString(input);
        CommandIdentity who = AuthSamples.Read(_tokens, token);
        if (who.IsNone) return;
        int dot = token.LastIndexOf('.');
        Holds(token[(dot + 1)..].TrimEnd('=') == Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(token[..dot]))), "a token that is not signed names nobody");
    }

    private static JwtTokens Tokens()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Key);
            return new JwtTokens(AuthTokenSpec.Parse($"jwt,sign-method=HS256,priv-key={file}"), TimeProvider.System);
        }
        finally
        {
            File.Delete(file);
        }
    }
}

/// <summary>The text that stands for a password.</summary>
internal sealed class PasswordHashTarget : FuzzTarget
{
    public override string Name => "auth-password";

    public override IReadOnlyList<byte[]> Corpus() => Texts(StoreSamples.Hash, "$pbkdf2-sha512$13440000$AAAA$AAAA", "$2a$10$abcdefghijklmnopqrstuv", "");

    public override IReadOnlyList<byte[]> Words => Texts("$", "pbkdf2-sha512", "210000", "13440001", "AAAA", "=", " ");

    public override void Read(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        if (PasswordHasher.IsHash(text)) Holds(text.StartsWith("$pbkdf2-sha512$", StringComparison.Ordinal) && text.Length >= 80, "a hash names how it was made");
    }
}
