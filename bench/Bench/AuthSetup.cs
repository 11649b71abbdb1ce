using System.Globalization;
using System.Security.Cryptography;
using Conclave.Bench.Load;
using Conclave.Client.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench;

/// <summary>How users prove who they are.</summary>
internal enum AuthKind
{
    None,
    Simple,
    Jwt,
}

/// <summary>Turns auth on in a cluster and logs the load in, as a user whose role may read and write all keys.</summary>
internal static class AuthSetup
{
    private const string Root = "root", User = "bench", Password = "secret";

    /// <summary>Flags for the members.</summary>
    /// <param name="kind">JWT needs a pair of keys.</param>
    /// <param name="directory">Where to put them.</param>
    public static IReadOnlyList<string> Flags(AuthKind kind, string directory)
    {
        if (kind != AuthKind.Jwt)
            return [];
        using var key = RSA.Create(2048);
        (string secret, string open) = (Path.Combine(directory, "jwt.key"), Path.Combine(directory, "jwt.pub"));
        File.WriteAllText(secret, key.ExportRSAPrivateKeyPem());
        File.WriteAllText(open, key.ExportSubjectPublicKeyInfoPem());
        return ["--auth-token", string.Create(CultureInfo.InvariantCulture, $"jwt,pub-key={open},priv-key={secret},sign-method=RS256,ttl=30m")];
    }

    public static async Task TurnOnAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        using var channel = new RpcChannel(cluster.Members[0].ClientUrl, new RpcChannelOptions { Tls = cluster.Options.ClientTls });
        ValueTask<RpcReply> Call(string method, IMessage request) => channel.CallAsync(method, request.ToByteArray(), metadata: null, cancellationToken);
        var everything = new Permission { PermType = Permission.Types.Type.Readwrite, Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) };
        (string, IMessage)[] calls =
        [
            (Methods.UserAdd, new AuthUserAddRequest { Name = Root, Password = Password }),
            (Methods.RoleAdd, new AuthRoleAddRequest { Name = Root }),
            (Methods.UserGrantRole, new AuthUserGrantRoleRequest { User = Root, Role = Root }),
            (Methods.UserAdd, new AuthUserAddRequest { Name = User, Password = Password }),
            (Methods.RoleAdd, new AuthRoleAddRequest { Name = User }),
            (Methods.RoleGrantPermission, new AuthRoleGrantPermissionRequest { Name = User, Perm = everything }),
            (Methods.UserGrantRole, new AuthUserGrantRoleRequest { User = User, Role = User }),
            (Methods.AuthEnable, new AuthEnableRequest()),
        ];
        foreach ((string method, IMessage request) in calls)
            (await Call(method, request).ConfigureAwait(false)).Dispose();
        async Task<string> LogIn(string name)
        {
            using RpcReply reply = await Call(Methods.Authenticate, new AuthenticateRequest { Name = name, Password = Password }).ConfigureAwait(false);
            return AuthenticateResponse.Parser.ParseFrom(reply.Message.Span).Token;
        }
        string admin = await LogIn(Root).ConfigureAwait(false), load = await LogIn(User).ConfigureAwait(false);
        foreach (ServerProcess member in cluster.Members)
            LoadTokens.Set(member.ClientPort, load);
        foreach (Processes.Rpc.MemberClient client in cluster.Clients)
            client.Metadata = RpcMetadata.Of("token", admin);
    }
}
