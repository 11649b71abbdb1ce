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
}
