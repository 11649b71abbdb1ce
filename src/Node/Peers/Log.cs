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

    [LoggerMessage(2009, LogLevel.Error, "The file 'peers' in the data directory could not be written: {Problem}.")]
    public static partial void PeersNotRemembered(ILogger logger, string problem);

    [LoggerMessage(2010, LogLevel.Error, "What became of {Members} is not on disk: {Problem}. It holds until this node stops.")]
    public static partial void RemovalNotRemembered(ILogger logger, string members, string problem);

    [LoggerMessage(2011, LogLevel.Error, "Member {Name} ({Peer}) has lost writes that it acknowledged: its disk does not keep what it promises. It is not talked to any more. Check its disk, then replace it: conclave member replace {Name}")]
    public static partial void LogReverted(ILogger logger, string name, NodeId peer);

    [LoggerMessage(2012, LogLevel.Warning, "{Peer} is not in the membership that this member has so far, and says that it listens at {Urls}: talking to it until the log tells more.")]
    public static partial void GuestMet(ILogger logger, NodeId peer, string urls);

    [LoggerMessage(2013, LogLevel.Information, "Member {Name} ({Peer}) is no member any more; its connections are closed.")]
    public static partial void PeerLeft(ILogger logger, string name, NodeId peer);

    [LoggerMessage(2014, LogLevel.Warning, "Cannot listen on {Urls} for other members: {Problem}. Alone this member does not need to; nobody can be added before it works.")]
    public static partial void PeerPortUnavailable(ILogger logger, string urls, string problem);

    [LoggerMessage(2016, LogLevel.Error, "The file 'starts' in the data directory could not be written: {Problem}. The next connection tries again.")]
    public static partial void StartsNotRemembered(ILogger logger, string problem);

    [LoggerMessage(2015, LogLevel.Information, "This is member {Self} of cluster {Cluster}, as {Address} says.")]
    public static partial void Introduced(ILogger logger, NodeId self, string cluster, string address);
}
