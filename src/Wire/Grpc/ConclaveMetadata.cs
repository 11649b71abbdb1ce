namespace Conclave.Wire.Grpc;

/// <summary>Metadata that Conclave adds to etcd's calls. Servers and clients that know none of it work together as before.</summary>
public static class ConclaveMetadata
{
    /// <summary>Request: the lease that is the session a write belongs to, as a decimal number.</summary>
    public const string Session = "conclave-session";

    /// <summary>Request: the number of the write in its session, from 1, decimal. A repeat carries the same.</summary>
    public const string Sequence = "conclave-sequence";

    /// <summary>Answer to a failed write: <see cref="Refused"/> or <see cref="Unknown"/>.</summary>
    public const string Outcome = "conclave-outcome";

    /// <summary>This attempt was not carried out and will not be.</summary>
    public const string Refused = "refused";

    /// <summary>This attempt may have been carried out, or may be still.</summary>
    public const string Unknown = "unknown";
}
