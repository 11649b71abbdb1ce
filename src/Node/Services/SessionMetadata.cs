using System.Globalization;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Services;

/// <summary>Reads from a call's metadata which session its write belongs to.</summary>
internal static class SessionMetadata
{
    /// <returns>Default when the call is of no session.</returns>
    /// <exception cref="GrpcException">Only one of the two is there, or one is not a number.</exception>
    public static SessionSequence Of(RpcContext call)
    {
        string? session = call.Metadata(ConclaveMetadata.Session), sequence = call.Metadata(ConclaveMetadata.Sequence);
        if (session is null && sequence is null) return default;
        if (session is null || sequence is null)
            throw Malformed($"{(session is null ? ConclaveMetadata.Sequence : ConclaveMetadata.Session)} came without {(session is null ? ConclaveMetadata.Session : ConclaveMetadata.Sequence)}; send both or neither");
        if (!long.TryParse(session, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long id) || id == 0)
            throw Malformed($"{ConclaveMetadata.Session} is \"{Shortened(session)}\"; send the id of a lease as a decimal number, not 0");
        if (!ulong.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) || number == 0)
            throw Malformed($"{ConclaveMetadata.Sequence} is \"{Shortened(sequence)}\"; send a decimal number, 1 for the first write of the session and more for each that follows");
        return new SessionSequence(id, number);
    }

    private static GrpcException Malformed(string what) => new(GrpcCode.InvalidArgument, $"conclave: {what}");

    private static string Shortened(string value) => value.Length <= 40 ? value : value[..40] + "...";
}
