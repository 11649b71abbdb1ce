using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Secrets by name: writing, listing, dropping, and putting them under another key.</content>
internal sealed partial class ConfigService
{
    /// <summary>Secrets of one space, those of entries included.</summary>
    private const int SecretsMax = 100_000;

    private const int UsersShown = 100, RewrappedAtOnce = 500;

    private const string NoKeys = "this member has no keys for secrets. Make some with conclave keygen secrets FILE and start every member with --secrets-key-file FILE";

    private SecretKeyRing Keys => engine.Secrets ?? throw Failed(NoKeys);

    private async ValueTask<IMessage> PutSecretAsync(RpcContext call, V1.PutSecretRequest request)
    {
        context.BeginWrite(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        string space = NameOf(request.Space);
        CheckSecretName(request.Name);
        if (!ValueJson.TryParse(request.Value, out Value? value, out _)) throw Invalid("the value is no JSON; a text is written in quotes");   // what is wrong with it could say what is in it
        if (Encoding.UTF8.GetByteCount(value.ToString()) > SealedSecret.ValueBytesMax) throw Invalid($"a secret has at most {SealedSecret.ValueBytesMax:N0} bytes as JSON");
        if (SpaceSecrets.HasFingerprint(value)) throw Invalid("the value is what a secret is shown as; write the secret itself");
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            SpaceSnapshot now = await SecretsNowAsync(call, space).ConfigureAwait(false);
            CommandIdentity who = await AllowedAsync(call, auth => id => ConfigAccess.CheckSecret(auth, id, space, request.Name)).ConfigureAwait(false);
            StoredSecret? there = now.Secrets.All.GetValueOrDefault(request.Name);
            if (there is not null && request.IfMissing) throw new GrpcException(new GrpcStatus(GrpcCode.AlreadyExists, $"conclave: secret {request.Name} is there, at version {there.Record.Version}"));
            RequireRoom(now, there is null ? 1 : 0);
            if (now.Release == 0 && now.Secrets.All.IsEmpty && engine.SpaceCount >= ConfigEngine.SpacesMax)
                throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: there are {ConfigEngine.SpacesMax} spaces, which is the most"));
            SealedSecret made = Sealing.Seal(Keys, new(space, request.Name), (there?.Record.Version ?? 0) + 1, value, who.User ?? "", Now(), RandomNumberGenerator.Fill);
            var txn = new TxnRequest();
            txn.Compare.Add(At(space, request.Name, there));
            txn.Success.Add(Put(ConfigKeys.Secret(space, request.Name), UnsafeByteOperations.UnsafeWrap(made.ToBytes())));
            if (await WriteSecretsAsync(call, space, txn, who).ConfigureAwait(false)) return new V1.PutSecretResponse { Version = made.Version, Fingerprint = made.FingerprintText };
        }

        throw TooMany($"secret {request.Name} was changed");
    }

    private async ValueTask<IMessage> SecretsAsync(RpcContext call, V1.SecretsRequest request)
    {
        context.CheckLeader(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        string space = NameOf(request.Space);
        await _access.RequireListAsync(call, space).ConfigureAwait(false);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        SpaceSnapshot now = await SecretsNowAsync(call, space).ConfigureAwait(false);
        Func<string, bool> mayRead = await _access.ReadableAsync(call, space).ConfigureAwait(false);
        var answer = new V1.SecretsResponse();
        foreach ((string name, StoredSecret secret) in now.Secrets.All)
        {
            // Those of entries only when they are asked for: they are the entries' business, and there may be many.
            if (!name.StartsWith(request.Prefix, StringComparison.Ordinal) || (SecretNames.IsOfEntry(name) && !SecretNames.IsOfEntry(request.Prefix))) continue;
            var info = new V1.SecretInfo
            {
                Name = name,
                Version = secret.Record.Version,
                Fingerprint = secret.Record.FingerprintText,
                KeyId = secret.Record.KeyIdText,
                Author = secret.Record.Author,
                UnixMs = secret.Record.TimeUnixMs,
            };
            info.UsedBy.AddRange(UsersOf(now, name).Where(u => mayRead(u.Document)).Take(UsersShown).Select(u => u.ToString()));
            answer.Secrets.Add(info);
        }

        return answer;
    }

    private async ValueTask<IMessage> DropSecretAsync(RpcContext call, V1.DropSecretRequest request)
    {
        context.BeginWrite(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        string space = NameOf(request.Space);
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            await context.ConfirmReadAsync(call).ConfigureAwait(false);
            SpaceSnapshot now = await SecretsNowAsync(call, space).ConfigureAwait(false);
            CommandIdentity who = await AllowedAsync(call, auth => id => ConfigAccess.CheckSecret(auth, id, space, request.Name)).ConfigureAwait(false);
            if (!now.Secrets.All.TryGetValue(request.Name, out StoredSecret? there)) throw NotFound($"there is no secret {request.Name}; conclave secret list shows them");
            KeyAddress[] users = [.. UsersOf(now, request.Name)];
            if (users.Length > 0)
                throw Failed($"secret {request.Name} is used by {string.Join(", ", users.Take(Limits.NodesNamedMax))}{(users.Length > Limits.NodesNamedMax ? $" and {users.Length - Limits.NodesNamedMax} more" : "")}. Change these first");
            var txn = new TxnRequest();
            txn.Compare.Add(At(space, request.Name, there));
            txn.Compare.Add(HeadIs(now));   // a release that came meanwhile may use it
            txn.Success.Add(Delete(Text(ConfigKeys.Secret(space, request.Name))));
            if (await WriteSecretsAsync(call, space, txn, who).ConfigureAwait(false)) return new V1.DropSecretResponse();
        }

        throw TooMany($"space {space} was changed");
    }

    private async ValueTask<IMessage> RotateSecretsAsync(RpcContext call, V1.RotateSecretsRequest request)
    {
        context.BeginWrite(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        string? one = request.Space == "*" ? null : NameOf(request.Space);
        CommandIdentity who = await AllowedAsync(call, auth => id => ConfigAccess.CheckRotate(auth, id, one)).ConfigureAwait(false);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        var answer = new V1.RotateSecretsResponse { KeyId = Keys.ActiveId };
        foreach (string space in one is null ? [.. StoreReads.Spaces(context.View)] : new[] { one }) answer.Rewrapped += await RotateAsync(call, space, who).ConfigureAwait(false);
        return answer;
    }

    private async ValueTask<long> RotateAsync(RpcContext call, string space, CommandIdentity who)
    {
        long rewrapped = 0;
        var unreadable = new List<string>();
        for (int idle = 0; idle < AttemptsMax;)
        {
            SpaceSnapshot now = await SecretsNowAsync(call, space).ConfigureAwait(false);
            var txn = new TxnRequest();
            unreadable.Clear();
            foreach ((string name, StoredSecret secret) in now.Secrets.All.Where(s => s.Value.Record.KeyIdText != Keys.ActiveId))
            {
                if (Sealing.Rewrap(Keys, new(space, name), secret.Record, RandomNumberGenerator.Fill) is not { } made)
                {
                    unreadable.Add($"{name} (key {secret.Record.KeyIdText})");
                    continue;
                }

                txn.Compare.Add(At(space, name, secret));
                txn.Success.Add(Put(ConfigKeys.Secret(space, name), UnsafeByteOperations.UnsafeWrap(made.ToBytes())));
                if (txn.Success.Count == RewrappedAtOnce || txn.CalculateSize() > context.Options.MaxRequestBytes / 2) break;
            }

            if (txn.Success.Count == 0) break;
            bool isDone = await WriteSecretsAsync(call, space, txn, who).ConfigureAwait(false);
            if (isDone) rewrapped += txn.Success.Count;
            idle = isDone ? 0 : idle + 1;   // somebody wrote one of them meanwhile
        }

        if (unreadable.Count > 0)
        {
            throw Failed($"{rewrapped} secrets of space {space} were put under key {Keys.ActiveId}, and {unreadable.Count} cannot be opened here: {string.Join(", ", unreadable.Take(Limits.NodesNamedMax))}. "
                + "Add their keys to the file of --secrets-key-file, behind the first");
        }

        return rewrapped;
    }

    /// <summary>The newest state of this member, secrets included. Two writers who do not see each other are told apart by the log.</summary>
    private async ValueTask<SpaceSnapshot> SecretsNowAsync(RpcContext call, string space)
    {
        await WaitForRevisionAsync(call, space, context.View.Revision).ConfigureAwait(false);
        return engine.Of(space).Current;
    }

    /// <summary>Waits until this member serves all that was written below /conclave/ until a revision.</summary>
    private ValueTask WaitForRevisionAsync(RpcContext call, string space, long revision) => WaitForRevisionAsync(space, revision, call.Cancellation);

    private async ValueTask WaitForRevisionAsync(string space, long revision, CancellationToken cancellation)
    {
        if (engine.Of(space).Revision < revision) engine.Signal();   // its revision moves only when it looks
        long start = Stopwatch.GetTimestamp();
        while (engine.DamageOf(space) is null && !(engine.HasStarted && Has(engine.Of(space))))
        {
            if (Stopwatch.GetElapsedTime(start) > context.Options.RequestTimeout) throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable, "conclave: this member is behind; ask another member, or again"));
            await Task.Delay(1, cancellation).ConfigureAwait(false);
        }

        if (engine.DamageOf(space) is { } damage) throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage));

        // A space in which nobody has written is not followed.
        bool Has(ConfigSpace known) => known.Revision >= revision
            || (known.Current is { Release: 0, Secrets.All.IsEmpty: true } && !StoreReads.Any(context.View, $"{ConfigKeys.Root}{space}/"));
    }

    private async ValueTask<CommandIdentity> AllowedAsync(RpcContext call, Func<AuthState, Func<CommandIdentity, Lack>> check)
    {
        if (!context.Auth.IsOn) return default;
        CommandIdentity who = await context.Auth.IdentifyAsync(call).ConfigureAwait(false);
        context.Auth.Require(call, who, check(context.View.Auth)(who));
        return who;
    }

    private async ValueTask<bool> WriteSecretsAsync(RpcContext call, string space, TxnRequest txn, CommandIdentity who)
    {
        bool isDone = await TryWriteAsync(call, txn, who).ConfigureAwait(false);
        await WaitForRevisionAsync(call, space, context.View.Revision).ConfigureAwait(false);   // whoever asks here next sees it
        return isDone;
    }

    private static void RequireRoom(SpaceSnapshot now, int more)
    {
        if (now.Secrets.All.Count + more > SecretsMax) throw new GrpcException(new GrpcStatus(GrpcCode.ResourceExhausted, $"conclave: a space has at most {SecretsMax:N0} secrets, and here are {now.Secrets.All.Count:N0}; drop some with conclave secret rm"));
    }

    private static IEnumerable<KeyAddress> UsersOf(SpaceSnapshot now, string name) => now.UsesOfSecrets.TryGetValue(name, out var users) ? users : [];

    private static void CheckSecretName(string name)
    {
        if (SecretNames.IsOfEntry(name)) throw Invalid("names that begin with entry/ are for values that are sealed when they are published; set the entry instead");
        if (!SecretNames.IsName(name)) throw Invalid($"\"{(name.Length > SecretNames.CharsMax ? name[..SecretNames.CharsMax] : name)}\" is no name of a secret; use 1 to {SecretNames.CharsMax} letters, digits, dots, dashes, underscores and slashes");
    }

    /// <summary>That a secret is as it was when it was looked at.</summary>
    private static Compare At(string space, string name, StoredSecret? there) => there is null ? Missing(ConfigKeys.Secret(space, name))
        : new() { Key = Text(ConfigKeys.Secret(space, name)), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = there.ModRevision };

    private static Compare HeadIs(SpaceSnapshot now) => now.Release == 0 ? Missing(ConfigKeys.Head(now.Space))
        : new() { Key = Text(ConfigKeys.Head(now.Space)), Target = Compare.Types.CompareTarget.Value, Result = Compare.Types.CompareResult.Equal, Value = Text(ConfigKeys.Text(now.Release)) };

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static GrpcException Failed(string what) => new(new GrpcStatus(GrpcCode.FailedPrecondition, "conclave: " + what));

    private static GrpcException Unavailable(SecretUnavailableException missing) => new(new GrpcStatus(GrpcCode.Unavailable, "conclave: " + missing.Message));

    private static GrpcException TooMany(string what) => new(new GrpcStatus(GrpcCode.Unavailable, $"conclave: {what} {AttemptsMax} times meanwhile; try again"));
}
