namespace Conclave.Wire.Grpc;

/// <summary>Every status etcd's clients recognise. Go compares the text exactly, npm looks for it, Python looks at the code: neither may change.</summary>
public static class EtcdErrors
{
    /// <summary>Range, Put, DeleteRange, or an operation or compare of a Txn, with an empty key.</summary>
    public static readonly GrpcStatus KeyNotProvided = new(GrpcCode.InvalidArgument, "etcdserver: key is not provided");

    /// <summary><c>ignore_value</c> or <c>ignore_lease</c> on a missing key; a Txn operation with nothing set.</summary>
    public static readonly GrpcStatus KeyNotFound = new(GrpcCode.InvalidArgument, "etcdserver: key not found");

    /// <summary><c>ignore_value</c> together with a value.</summary>
    public static readonly GrpcStatus ValueProvided = new(GrpcCode.InvalidArgument, "etcdserver: value is provided");

    /// <summary><c>ignore_lease</c> together with a lease.</summary>
    public static readonly GrpcStatus LeaseProvided = new(GrpcCode.InvalidArgument, "etcdserver: lease is provided");

    /// <summary>A Txn with over 128 operations or compares.</summary>
    public static readonly GrpcStatus TooManyOperations = new(GrpcCode.InvalidArgument, "etcdserver: too many operations in txn request");

    /// <summary>Two puts, or a put and a delete, of one key in a branch of a Txn.</summary>
    public static readonly GrpcStatus DuplicateKey = new(GrpcCode.InvalidArgument, "etcdserver: duplicate key given in txn request");

    /// <summary>Metadata <c>client-api-version</c> is not valid text.</summary>
    public static readonly GrpcStatus InvalidClientApiVersion = new(GrpcCode.InvalidArgument, "etcdserver: invalid client api version");

    /// <summary>Unknown number of a sort enum.</summary>
    public static readonly GrpcStatus InvalidSortOption = new(GrpcCode.InvalidArgument, "etcdserver: invalid sort option");

    /// <summary>A read or compaction at or below the compacted revision.</summary>
    public static readonly GrpcStatus Compacted = new(GrpcCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");

    /// <summary>A read or compaction above the current revision.</summary>
    public static readonly GrpcStatus FutureRevision = new(GrpcCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");

    /// <summary>The NOSPACE alarm is active.</summary>
    public static readonly GrpcStatus NoSpace = new(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    /// <summary>Put with an unknown lease, or LeaseRevoke of one.</summary>
    public static readonly GrpcStatus LeaseNotFound = new(GrpcCode.NotFound, "etcdserver: requested lease not found");

    /// <summary>LeaseGrant with an id in use.</summary>
    public static readonly GrpcStatus LeaseExists = new(GrpcCode.FailedPrecondition, "etcdserver: lease already exists");

    /// <summary>TTL above 9,000,000,000 seconds.</summary>
    public static readonly GrpcStatus LeaseTtlTooLarge = new(GrpcCode.OutOfRange, "etcdserver: too large lease TTL");

    /// <summary>The server side cancelled the watch stream.</summary>
    public static readonly GrpcStatus WatchCanceled = new(GrpcCode.Canceled, "etcdserver: watch canceled");

    /// <summary>MemberAdd with an id in use.</summary>
    public static readonly GrpcStatus MemberExists = new(GrpcCode.FailedPrecondition, "etcdserver: member ID already exist");

    /// <summary>MemberAdd or MemberUpdate with a URL in use.</summary>
    public static readonly GrpcStatus PeerUrlExists = new(GrpcCode.FailedPrecondition, "etcdserver: Peer URLs already exists");

    /// <summary>The strict check of a membership change refused it. Real etcd sends code Unknown; the table says this one.</summary>
    public static readonly GrpcStatus MemberNotEnoughStarted = new(GrpcCode.FailedPrecondition, "etcdserver: re-configuration failed due to not enough started members");

    /// <summary>MemberAdd or MemberUpdate with a URL that does not parse.</summary>
    public static readonly GrpcStatus MemberBadUrls = new(GrpcCode.InvalidArgument, "etcdserver: given member URLs are invalid");

    /// <summary>Remove, update or promote of an unknown id.</summary>
    public static readonly GrpcStatus MemberNotFound = new(GrpcCode.NotFound, "etcdserver: member not found");

    /// <summary>Promotion of a voter.</summary>
    public static readonly GrpcStatus MemberNotLearner = new(GrpcCode.FailedPrecondition, "etcdserver: can only promote a learner member");

    /// <summary>Promotion of a learner that lags.</summary>
    public static readonly GrpcStatus LearnerNotReady = new(GrpcCode.FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader");

    /// <summary>A second learner.</summary>
    public static readonly GrpcStatus TooManyLearners = new(GrpcCode.FailedPrecondition, "etcdserver: too many learner members in cluster");

    /// <summary>Peer traffic of another cluster; clients do not see it.</summary>
    public static readonly GrpcStatus ClusterIdMismatch = new(GrpcCode.FailedPrecondition, "etcdserver: cluster ID mismatch");

    /// <summary>The log entry would exceed the request limit.</summary>
    public static readonly GrpcStatus RequestTooLarge = new(GrpcCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>Too much is waiting to be applied.</summary>
    public static readonly GrpcStatus TooManyRequests = new(GrpcCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>AuthEnable without a user root.</summary>
    public static readonly GrpcStatus RootUserNotExist = new(GrpcCode.FailedPrecondition, "etcdserver: root user does not exist");

    /// <summary>AuthEnable while user root lacks role root.</summary>
    public static readonly GrpcStatus RootRoleNotExist = new(GrpcCode.FailedPrecondition, "etcdserver: root user does not have root role");

    /// <summary>UserAdd of a known name.</summary>
    public static readonly GrpcStatus UserAlreadyExists = new(GrpcCode.FailedPrecondition, "etcdserver: user name already exists");

    /// <summary>Authentication is on and there is no token; or UserAdd with an empty name.</summary>
    public static readonly GrpcStatus UserEmpty = new(GrpcCode.InvalidArgument, "etcdserver: user name is empty");

    /// <summary>A call about an unknown user.</summary>
    public static readonly GrpcStatus UserNotFound = new(GrpcCode.FailedPrecondition, "etcdserver: user name not found");

    /// <summary>RoleAdd of a known name.</summary>
    public static readonly GrpcStatus RoleAlreadyExists = new(GrpcCode.FailedPrecondition, "etcdserver: role name already exists");

    /// <summary>A call about an unknown role.</summary>
    public static readonly GrpcStatus RoleNotFound = new(GrpcCode.FailedPrecondition, "etcdserver: role name not found");

    /// <summary>RoleAdd with an empty name.</summary>
    public static readonly GrpcStatus RoleEmpty = new(GrpcCode.InvalidArgument, "etcdserver: role name is empty");

    /// <summary>Authenticate with a wrong name or password.</summary>
    public static readonly GrpcStatus AuthFailed = new(GrpcCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password");

    /// <summary>RoleGrantPermission without a permission.</summary>
    public static readonly GrpcStatus PermissionNotGiven = new(GrpcCode.InvalidArgument, "etcdserver: permission not given");

    /// <summary>The user may not do this.</summary>
    public static readonly GrpcStatus PermissionDenied = new(GrpcCode.PermissionDenied, "etcdserver: permission denied");

    /// <summary>UserRevokeRole of a role the user lacks.</summary>
    public static readonly GrpcStatus RoleNotGranted = new(GrpcCode.FailedPrecondition, "etcdserver: role is not granted to the user");

    /// <summary>RoleRevokePermission of a permission the role lacks.</summary>
    public static readonly GrpcStatus PermissionNotGranted = new(GrpcCode.FailedPrecondition, "etcdserver: permission is not granted to the role");

    /// <summary>Authenticate while authentication is off.</summary>
    public static readonly GrpcStatus AuthNotEnabled = new(GrpcCode.FailedPrecondition, "etcdserver: authentication is not enabled");

    /// <summary>Unknown or expired token.</summary>
    public static readonly GrpcStatus InvalidAuthToken = new(GrpcCode.Unauthenticated, "etcdserver: invalid auth token");

    /// <summary>Removal of root while authentication is on, or a reversed permission range.</summary>
    public static readonly GrpcStatus InvalidAuthManagement = new(GrpcCode.InvalidArgument, "etcdserver: invalid auth management");

    /// <summary>Users or roles changed since the request was authorised.</summary>
    public static readonly GrpcStatus AuthOldRevision = new(GrpcCode.InvalidArgument, "etcdserver: revision of auth store is old");

    /// <summary>The caller asked for a leader (<c>hasleader</c>) and none is known.</summary>
    public static readonly GrpcStatus NoLeader = new(GrpcCode.Unavailable, "etcdserver: no leader");

    /// <summary>MoveLeader on a follower.</summary>
    public static readonly GrpcStatus NotLeader = new(GrpcCode.FailedPrecondition, "etcdserver: not leader");

    /// <summary>Leadership moved while a linearizable read waited.</summary>
    public static readonly GrpcStatus LeaderChanged = new(GrpcCode.Unavailable, "etcdserver: leader changed");

    /// <summary>The cluster version is too low for the call.</summary>
    public static readonly GrpcStatus NotCapable = new(GrpcCode.FailedPrecondition, "etcdserver: not capable");

    /// <summary>The server is stopping.</summary>
    public static readonly GrpcStatus Stopped = new(GrpcCode.Unavailable, "etcdserver: server stopped");

    /// <summary>No quorum, or too slow, within the request timeout. The write may still happen.</summary>
    public static readonly GrpcStatus Timeout = new(GrpcCode.Unavailable, "etcdserver: request timed out");

    /// <summary>As <see cref="Timeout"/>, and the leader was lost recently.</summary>
    public static readonly GrpcStatus TimeoutDueToLeaderFailure = new(GrpcCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure");

    /// <summary>As <see cref="Timeout"/>, and this member lost contact with the quorum.</summary>
    public static readonly GrpcStatus TimeoutDueToConnectionLost = new(GrpcCode.Unavailable, "etcdserver: request timed out, possibly due to connection lost");

    /// <summary>A lease call on a leader whose apply lags.</summary>
    public static readonly GrpcStatus TimeoutWaitingForApply = new(GrpcCode.Unavailable, "etcdserver: request timed out, waiting for the applied index took too long");

    /// <summary>A membership change was refused because members are unreachable.</summary>
    public static readonly GrpcStatus Unhealthy = new(GrpcCode.Unavailable, "etcdserver: unhealthy cluster");

    /// <summary>The CORRUPT alarm is active.</summary>
    public static readonly GrpcStatus Corrupt = new(GrpcCode.DataLoss, "etcdserver: corrupt cluster");

    /// <summary>The call is not served by a learner.</summary>
    public static readonly GrpcStatus NotSupportedForLearner = new(GrpcCode.FailedPrecondition, "etcdserver: rpc not supported for learner");

    /// <summary>MoveLeader to an unknown member or a learner.</summary>
    public static readonly GrpcStatus BadLeaderTransferee = new(GrpcCode.FailedPrecondition, "etcdserver: bad leader transferee");

    /// <summary>Downgrade to something that is not a version.</summary>
    public static readonly GrpcStatus WrongDowngradeVersionFormat = new(GrpcCode.InvalidArgument, "etcdserver: wrong downgrade target version format");

    /// <summary>Downgrade to a version that is not one minor below.</summary>
    public static readonly GrpcStatus InvalidDowngradeVersion = new(GrpcCode.InvalidArgument, "etcdserver: invalid downgrade target version");

    /// <summary>Downgrade before the cluster version is decided.</summary>
    public static readonly GrpcStatus ClusterVersionUnavailable = new(GrpcCode.FailedPrecondition, "etcdserver: cluster version not found during downgrade");

    /// <summary>A second Downgrade.</summary>
    public static readonly GrpcStatus DowngradeInProgress = new(GrpcCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress");

    /// <summary>Cancel of no Downgrade.</summary>
    public static readonly GrpcStatus NoInflightDowngrade = new(GrpcCode.FailedPrecondition, "etcdserver: no inflight downgrade job");

    /// <summary>The client cancelled the call.</summary>
    public static readonly GrpcStatus RequestCanceled = new(GrpcCode.Canceled, "etcdserver: request canceled");

    /// <summary>The client's deadline passed on the server.</summary>
    public static readonly GrpcStatus DeadlineExceeded = new(GrpcCode.DeadlineExceeded, "etcdserver: context deadline exceeded");

    /// <summary>All of the above, in order.</summary>
    public static IReadOnlyList<GrpcStatus> All { get; } =
    [
        KeyNotProvided,
        KeyNotFound,
        ValueProvided,
        LeaseProvided,
        TooManyOperations,
        DuplicateKey,
        InvalidClientApiVersion,
        InvalidSortOption,
        Compacted,
        FutureRevision,
        NoSpace,
        LeaseNotFound,
        LeaseExists,
        LeaseTtlTooLarge,
        WatchCanceled,
        MemberExists,
        PeerUrlExists,
        MemberNotEnoughStarted,
        MemberBadUrls,
        MemberNotFound,
        MemberNotLearner,
        LearnerNotReady,
        TooManyLearners,
        ClusterIdMismatch,
        RequestTooLarge,
        TooManyRequests,
        RootUserNotExist,
        RootRoleNotExist,
        UserAlreadyExists,
        UserEmpty,
        UserNotFound,
        RoleAlreadyExists,
        RoleNotFound,
        RoleEmpty,
        AuthFailed,
        PermissionNotGiven,
        PermissionDenied,
        RoleNotGranted,
        PermissionNotGranted,
        AuthNotEnabled,
        InvalidAuthToken,
        InvalidAuthManagement,
        AuthOldRevision,
        NoLeader,
        NotLeader,
        LeaderChanged,
        NotCapable,
        Stopped,
        Timeout,
        TimeoutDueToLeaderFailure,
        TimeoutDueToConnectionLost,
        TimeoutWaitingForApply,
        Unhealthy,
        Corrupt,
        NotSupportedForLearner,
        BadLeaderTransferee,
        WrongDowngradeVersionFormat,
        InvalidDowngradeVersion,
        ClusterVersionUnavailable,
        DowngradeInProgress,
        NoInflightDowngrade,
        RequestCanceled,
        DeadlineExceeded,
    ];
}
