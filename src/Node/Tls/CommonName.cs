using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Node.Tls;

/// <summary>The common name of a certificate's subject.</summary>
internal static class CommonName
{
    private const string Id = "2.5.4.3";

    /// <returns>The last one when there are several, as in etcd; null when there is none or it is empty.</returns>
    public static string? Of(X509Certificate2 certificate)
    {
        string? name = null;
        try
        {
            AsnReader parts = new AsnReader(certificate.SubjectName.RawData, AsnEncodingRules.DER).ReadSequence();
            while (parts.HasData)
            {
                AsnReader values = parts.ReadSetOf();
                while (values.HasData)
                {
                    AsnReader pair = values.ReadSequence();
                    if (pair.ReadObjectIdentifier() == Id) name = pair.ReadCharacterString((UniversalTagNumber)pair.PeekTag().TagValue);
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or ArgumentException)
        {
            return null;   // a name that cannot be read is nobody's
        }

        return name is { Length: > 0 } ? name : null;
    }
}
