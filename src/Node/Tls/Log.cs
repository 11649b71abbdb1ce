using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tls;

internal static partial class Log
{
    [LoggerMessage(6201, LogLevel.Information, "TLS for {Side}: {Subject}, good until {NotAfter:u}.")]
    public static partial void CertificateInUse(ILogger logger, string side, string subject, DateTime notAfter);

    [LoggerMessage(6202, LogLevel.Information, "TLS for {Side}: the files have changed; new connections use {Subject}, good until {NotAfter:u}.")]
    public static partial void CertificateReplaced(ILogger logger, string side, string subject, DateTime notAfter);

    [LoggerMessage(6203, LogLevel.Error, "TLS for {Side}: the files have changed and cannot be used, so the former ones stay in use: {Problem} Correct the file; it is looked at again by itself.")]
    public static partial void CertificateNotReplaced(ILogger logger, string side, string problem);

    [LoggerMessage(6204, LogLevel.Warning, "TLS for {Side}: the certificate {Subject} is good until {NotAfter:u}, which is soon or past. Put a new one in the place of the file; no restart is needed.")]
    public static partial void CertificateExpires(ILogger logger, string side, string subject, DateTime notAfter);

    [LoggerMessage(6205, LogLevel.Information, "Made a certificate of the node's own, {Path}, good until {NotAfter:u}. It encrypts, and proves to nobody who this is.")]
    public static partial void SelfSignedMade(ILogger logger, string path, DateTime notAfter);

    [LoggerMessage(6207, LogLevel.Warning, "--cipher-suites has no effect: this platform leaves the choice of cipher suites to the system.")]
    public static partial void CipherSuitesIgnored(ILogger logger);
}
