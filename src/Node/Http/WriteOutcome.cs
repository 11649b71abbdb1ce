using Conclave.Wire.Grpc;
using Microsoft.AspNetCore.Http;

namespace Conclave.Node.Http;

/// <summary>What a failed call says of the write it was asked for.</summary>
public enum WriteOutcome
{
    /// <summary>It was asked for none.</summary>
    None,

    /// <summary>Not carried out, and it will not be.</summary>
    Refused,

    /// <summary>On its way through the log: it may be carried out, or may have been.</summary>
    Unknown,
}

internal static class WriteOutcomes
{
    /// <summary>Says it in the headers of a failed answer.</summary>
    /// <param name="headers">Of an answer without a body, or of the gateway.</param>
    /// <param name="outcome">What to say.</param>
    /// <param name="prefix">Before the name, as the gateway writes metadata.</param>
    public static void Set(IHeaderDictionary headers, WriteOutcome outcome, string prefix = "")
    {
        if (outcome != WriteOutcome.None)
            headers[prefix + ConclaveMetadata.Outcome] = outcome == WriteOutcome.Refused ? ConclaveMetadata.Refused : ConclaveMetadata.Unknown;
    }
}
