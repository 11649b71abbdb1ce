using Conclave.Fuzz.Engine;

namespace Conclave.Fuzz.Targets;

/// <summary>Every reader of bytes from outside.</summary>
internal static class AllTargets
{
    public static FuzzTarget[] All() =>
    [
        new PrefaceTarget(), new HpackTarget(), new HeadersWatchTarget(), new GrpcFrameTarget(), new GrpcBodyTarget(), new GrpcTextTarget(), new JsonScanTarget(), new JsonTranscodeTarget(), new Base64Target(),
        new StoreRequestTarget(), new StoreCommandTarget(), new StoreApplyTarget(), new StoreWatchTarget(), new StoreStateTarget(),
        new PeerHelloTarget(), new PeerWelcomeTarget(), new PeerFrameTarget(), new RaftMessageTarget(), new MembershipTarget(), new TwinFileTarget(),
        new SuperblockTarget(), new LogFilesTarget(), new SnapshotTarget(), new RecordingTarget(), new SimpleTokenTarget(), new JwtTarget(), new PasswordHashTarget(),
        new LayerStateTarget(), new LayerChangeTarget(), new LayerTextTarget(), new LayerYamlTarget(), new HieraTarget(), new OsloTextTarget(), new OsloSchemaTarget(), new TextTemplateTarget(), new ConfigMessageTarget(),
        new ClientReplyTarget(), new CliTxnTarget(), new ClientPortTarget(), new PeerPortTarget(),
    ];

    /// <exception cref="FormatException">There is no target of such a name.</exception>
    public static FuzzTarget[] Named(string[] names)
    {
        FuzzTarget[] all = All();
        string[] unknown = [.. names.Except(all.Select(target => target.Name))];
        if (unknown.Length > 0) throw new FormatException($"There is no target {string.Join(" or ", unknown)}. There are: {string.Join(", ", all.Select(target => target.Name))}.");
        return names.Length == 0 ? all : [.. all.Where(target => names.Contains(target.Name))];
    }
}
