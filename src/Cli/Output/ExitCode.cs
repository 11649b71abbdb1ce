using Conclave.Client;
using Conclave.Wire.Grpc;

namespace Conclave.Cli.Output;

/// <summary>What the exit code of every command means, so that scripts can decide without reading texts.</summary>
internal static class ExitCode
{
    /// <summary>Done, or yes.</summary>
    public const int Done = 0;

    /// <summary>A clean no: not found, nothing deleted, a condition that does not hold, a member that is down.</summary>
    public const int No = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The server refused what was asked as invalid.</summary>
    public const int Validation = 3;

    /// <summary>Something is already there or has moved.</summary>
    public const int Conflict = 4;

    /// <summary>Not allowed.</summary>
    public const int Denied = 5;

    /// <summary>Could not be done now; nothing was changed, and trying again is safe.</summary>
    public const int Unavailable = 6;

    /// <summary>A rollout was taken back, or waits for somebody to look at it.</summary>
    public const int RolloutFailed = 7;

    /// <summary>A write was sent and no answer came: look before trying again.</summary>
    public const int OutcomeUnknown = 8;

    /// <summary>Should not happen; a bug here or in the server.</summary>
    public const int Unexpected = 70;

    /// <summary>A lock or a leadership was lost while something ran under it.</summary>
    public const int LockLost = 75;

    /// <summary>Stopped by the user, as shells count it.</summary>
    public const int Interrupted = 130;

    /// <summary>The exit code of a failed call.</summary>
    public static int Of(ConclaveException failure) => failure switch
    {
        UnavailableException => Unavailable,
        OutcomeUnknownException => OutcomeUnknown,
        _ => failure.Code switch
        {
            GrpcCode.NotFound => No,
            _ when IsAboutLogin(failure) => Denied,
            GrpcCode.FailedPrecondition when IsAboutRelease(failure) => No,
            GrpcCode.FailedPrecondition when Unwritable.Any(code => failure.Message.StartsWith(code, StringComparison.Ordinal)) => Validation,
            GrpcCode.InvalidArgument or GrpcCode.OutOfRange or GrpcCode.Unimplemented => Validation,
            GrpcCode.FailedPrecondition or GrpcCode.AlreadyExists or GrpcCode.Aborted => Conflict,
            GrpcCode.PermissionDenied or GrpcCode.Unauthenticated => Denied,
            GrpcCode.ResourceExhausted or GrpcCode.Canceled => Unavailable,
            _ => Unexpected,
        },
    };

    /// <summary>Why a document is no file: the format cannot say a value, or there is none.</summary>
    private static readonly string[] Unwritable = ["E_FORMAT ", "E_REFERENCE ", "W_FACT "];

    /// <summary>A release that is no more or not yet there.</summary>
    private static bool IsAboutRelease(ConclaveException failure) =>
        new[] { " cannot be shown; ", " cannot be compared; ", " cannot be returned to; " }.Any(text => failure.Message.Contains(text, StringComparison.Ordinal));

    // etcd's code for these is InvalidArgument, as if the request were wrong.
    private static bool IsAboutLogin(ConclaveException failure) => failure.Code == GrpcCode.InvalidArgument
        && (failure.Message == EtcdErrors.UserEmpty.Message || failure.Message == EtcdErrors.AuthFailed.Message || failure.Message == EtcdErrors.AuthOldRevision.Message);

    private static readonly string[] BrokenEarly = ["response ended prematurely", "HTTP/2 handshake"];

    /// <summary>What a person can do about a failed call, or null when its text says it all.</summary>
    public static string? Remedy(ConclaveException failure) => failure switch
    {
        OutcomeUnknownException => "It may have been carried out: look (get, member list) before trying again.",
        UnavailableException when failure.Message.StartsWith("Cannot connect", StringComparison.Ordinal) =>
            "Check that a node runs there (conclave up starts some) and that --endpoints or CONCLAVE_ENDPOINTS is right.",
        UnavailableException when failure.Message.StartsWith("The TLS handshake", StringComparison.Ordinal) =>
            "Check that --cacert has the authority of the nodes' certificates, and that they are made out to the host in --endpoints.",
        // How a node hangs up on who does not speak TLS, or shows no certificate that it takes: the protocol has no word for the reason.
        UnavailableException when BrokenEarly.Any(text => failure.Message.Contains(text, StringComparison.Ordinal)) =>
            "Nothing was changed; try again. If it lasts, the node may want TLS (https://, --cacert) or another certificate (--cert, --key): its log says whom it refused.",
        UnavailableException => "Nothing was changed; try again. If it lasts, look at: conclave status",
        _ when IsAboutLogin(failure) => "Say who you are: --user NAME, and the password in CONCLAVE_PASSWORD or when asked.",
        CompactedException => "Read without --rev, or from a newer revision.",
        _ => failure.Code switch
        {
            GrpcCode.OutOfRange => "The newest revision is in the header of: conclave get -o json",
            GrpcCode.ResourceExhausted when failure.Message == EtcdErrors.NoSpace.Message =>
                "Make room with conclave del or conclave compact REVISION, then: conclave alarm disarm. One for a full disk goes by itself.",
            GrpcCode.FailedPrecondition when failure.Message == EtcdErrors.RootUserNotExist.Message => "Make it first: conclave user add root",
            GrpcCode.PermissionDenied when failure.Message.Contains("see conclave publish", StringComparison.Ordinal) => null,   // nobody may, and it says what to do
            GrpcCode.Unauthenticated or GrpcCode.PermissionDenied => "Ask an administrator for access to these keys.",
            _ => null,
        },
    };
}
