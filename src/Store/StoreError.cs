namespace Conclave.Store;

/// <summary>Why a request was refused. Texts and gRPC codes belong to the wire layer.</summary>
public enum StoreError : byte
{
    None = 0,

    /// <summary>The bytes are not a message of the expected kind.</summary>
    Malformed,
    KeyNotProvided,

    /// <summary>ignore_value or ignore_lease on a missing key, or a transaction operation with nothing set.</summary>
    KeyNotFound,
    ValueProvided,
    LeaseProvided,
    TooManyOperations,
    DuplicateKey,
    InvalidSortOption,

    /// <summary>The revision is below (for a compaction: at or below) the compacted revision.</summary>
    Compacted,
    FutureRevision,

    /// <summary>A NOSPACE alarm is active.</summary>
    NoSpace,
    LeaseNotFound,
    LeaseExists,
    LeaseTtlTooLarge,

    /// <summary>A CORRUPT alarm is active.</summary>
    Corrupt,

    /// <summary>The session has answered a later sequence already; this one was answered once, or was passed over for good.</summary>
    SequenceTooOld,

    /// <summary>The answer would be larger than a session keeps, see <see cref="SessionSequence.ResponseBytesMax"/>. Nothing was written.</summary>
    ResponseTooLarge,

    /// <summary>Auth is on and nobody said who it is; or a user is to be added without a name.</summary>
    UserEmpty,
    UserExists,
    UserNotFound,
    RoleEmpty,
    RoleExists,
    RoleNotFound,

    /// <summary>Auth cannot be switched on: there is no user root.</summary>
    RootUserMissing,

    /// <summary>Auth cannot be switched on: user root has not got role root.</summary>
    RootRoleMissing,
    PermissionNotGiven,
    PermissionDenied,
    RoleNotGranted,
    PermissionNotGranted,

    /// <summary>What root needs would be taken away while auth is on, or a permission names a range that ends before it begins.</summary>
    InvalidAuthManagement,

    /// <summary>Users or roles have changed since it was found out who asks. Say who it is again.</summary>
    AuthRevisionOld,

    /// <summary>A client's command would write below /conclave/, or delete keys that are there.</summary>
    Reserved,
}
