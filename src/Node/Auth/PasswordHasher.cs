using System.Globalization;
using System.Security.Cryptography;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Auth;

/// <summary>Turns passwords into what is stored of them, slowly and on purpose, and compares.</summary>
/// <remarks>
/// <code>
/// $pbkdf2-sha512$ITERATIONS$SALT$HASH        salt 16 bytes, hash 32 bytes, base64
/// </code>
/// The parameters stand beside the hash, so they can rise without anybody choosing a new password. Only a few run at once, and few
/// wait: a flood of logins must not take the processor from everything else.
/// </remarks>
/// <param name="iterations">The work of a hash that is made here.</param>
/// <param name="atOnceMax">Derivations that run at the same time.</param>
/// <param name="waitingMax">Callers that may wait for one.</param>
/// <param name="derive">Password, salt and iterations to a hash of 32 bytes; null is PBKDF2. Tests count with it.</param>
internal sealed class PasswordHasher(int iterations, int atOnceMax, int waitingMax, Func<string, byte[], int, byte[]>? derive = null) : IDisposable
{
    /// <summary>What is recommended for SHA-512, and the least that is accepted: about 0.1 s.</summary>
    public const int IterationsMin = 210_000;

    /// <summary>More than a minute of work is a mistake.</summary>
    public const int IterationsMax = IterationsMin << CostStepsMax;

    /// <summary>etcd's --bcrypt-cost: each step above 10 doubles the work.</summary>
    public const int CostDefault = 10, CostMin = 4, CostMax = CostDefault + CostStepsMax;

    private const int CostStepsMax = 6, SaltBytes = 16, HashBytes = 32;
    private const string Scheme = "pbkdf2-sha512";

    private readonly SemaphoreSlim _places = new(atOnceMax);
    private readonly Func<string, byte[], int, byte[]> _derive = derive ?? Derive;

    // For a user that does not exist: what is compared with costs as much as a real one.
    private readonly Stored _nobody = new(iterations, RandomNumberGenerator.GetBytes(SaltBytes), RandomNumberGenerator.GetBytes(HashBytes));
    private int _waiting;

    private sealed record Stored(int Iterations, byte[] Salt, byte[] Hash);

    public static int IterationsOf(int cost) => IterationsMin << Math.Max(0, cost - CostDefault);

    /// <summary>Whether a text is one that <see cref="HashAsync"/> gives, from anywhere.</summary>
    public static bool IsHash(string text) => Parse(text) is not null;

    /// <summary>What to store of a password.</summary>
    /// <exception cref="GrpcException">Too many wait.</exception>
    public async Task<string> HashAsync(string password, CancellationToken cancellationToken)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = await RunAsync(() => _derive(password, salt, iterations), cancellationToken).ConfigureAwait(false);
        return $"${Scheme}${iterations.ToString(CultureInfo.InvariantCulture)}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}";
    }

    /// <summary>The work of the hardest of these, 0 without any.</summary>
    public static int HardestOf(IEnumerable<string> stored) => stored.Max(text => Parse(text)?.Iterations) ?? 0;

    /// <summary>Whether a password is the stored one. Takes as long when it is not, and when there is none.</summary>
    /// <param name="stored">What <see cref="HashAsync"/> gave; null or anything else for nobody.</param>
    /// <param name="password">What the client says.</param>
    /// <param name="iterationsMin">As much work at least, whoever it is: <see cref="HardestOf"/> all that are stored, or users with a harder hash would answer later than nobody does.</param>
    /// <param name="cancellationToken">Stops waiting for a place.</param>
    /// <exception cref="GrpcException">Too many wait.</exception>
    public Task<bool> VerifyAsync(string? stored, string password, int iterationsMin, CancellationToken cancellationToken) => RunAsync(() =>
    {
        int total = Math.Max(iterations, iterationsMin);
        Stored? real = stored is null ? null : Parse(stored);
        Stored compared = real ?? _nobody;
        bool isEqual = CryptographicOperations.FixedTimeEquals(_derive(password, compared.Salt, compared.Iterations), compared.Hash);
        // Less work than others need: the rest of it, so that the time does not tell that the user exists.
        if (compared.Iterations < total) _derive(password, compared.Salt, total - compared.Iterations);
        return isEqual && real is not null;
    }, cancellationToken);

    public void Dispose() => _places.Dispose();

    private async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > waitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new GrpcException(EtcdErrors.TooManyRequests);
        }

        try
        {
            await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }

    private static byte[] Derive(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA512, HashBytes);

    private static Stored? Parse(string text)
    {
        string[] parts = text.Split('$');
        if (parts.Length != 5 || parts[0].Length != 0 || parts[1] != Scheme
            || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations is < IterationsMin or > IterationsMax)
            return null;
        byte[] salt = new byte[SaltBytes], hash = new byte[HashBytes];
        bool fits = Convert.TryFromBase64String(parts[3], salt, out int saltBytes) && saltBytes == SaltBytes
            && Convert.TryFromBase64String(parts[4], hash, out int hashBytes) && hashBytes == HashBytes;
        return fits ? new Stored(iterations, salt, hash) : null;
    }
}
