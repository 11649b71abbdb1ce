using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Information, "Connected to member {Name} ({Peer}).")]
    public static partial void PeerConnected(ILogger logger, string name, NodeId peer);

    [LoggerMessage(2002, LogLevel.Warning, "No connection to member {Name} ({Peer}): {Problem}. Trying again until it works.")]
    public static partial void PeerUnreachable(ILogger logger, string name, NodeId peer, string problem);

    [LoggerMessage(2003, LogLevel.Warning, "Refused a peer connection from {Address}: {Reason}.")]
    public static partial void PeerRefused(ILogger logger, string address, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "A connection on the peer port could not be accepted: {Problem}. Check the limit of open files.")]
    public static partial void PeerAcceptFailed(ILogger logger, string problem);

    [LoggerMessage(2005, LogLevel.Error, "A peer connection failed unexpectedly and was closed; the member will dial again.")]
    public static partial void PeerConnectionFailed(ILogger logger, Exception exception);

    [LoggerMessage(2006, LogLevel.Warning, "The connection from member {Peer} ended: {Reason}.")]
    public static partial void PeerStreamEnded(ILogger logger, NodeId peer, string reason);

    [LoggerMessage(2007, LogLevel.Error, "Dialling member {Name} ({Peer}) failed in a way that nobody expected. Trying again until it works.")]
    public static partial void PeerDialFailed(ILogger logger, string name, NodeId peer, Exception exception);

    [LoggerMessage(2008, LogLevel.Warning, "Told to forget the data directories of {Names}: the next ones they come with are taken as they are. Start without --forget-member-disk next time.")]
    public static partial void MemberDisksForgotten(ILogger logger, string names);
}
