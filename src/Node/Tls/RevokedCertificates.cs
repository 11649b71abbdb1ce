using System.Collections.Frozen;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Node.Tls;

/// <summary>The certificates that lists of revocations (RFC 5280, section 5) name, by issuer and serial number.</summary>
/// <remarks>The file is trusted as the file of authorities is: signatures of the lists are not checked, and neither is their age.</remarks>
internal sealed class RevokedCertificates
{
    private readonly FrozenDictionary<string, FrozenSet<BigInteger>> _serialsByIssuer;

    private RevokedCertificates(IEnumerable<(string Issuer, BigInteger Serial)> revoked) => _serialsByIssuer = revoked
        .GroupBy(r => r.Issuer, r => r.Serial).ToFrozenDictionary(g => g.Key, g => g.ToFrozenSet(), StringComparer.Ordinal);

    public static RevokedCertificates None { get; } = new([]);

    public int Count => _serialsByIssuer.Values.Sum(serials => serials.Count);

    /// <summary>One list in DER, or any number of them in PEM.</summary>
    /// <exception cref="TlsFileException">It is neither.</exception>
    public static RevokedCertificates Read(byte[] file, string path)
    {
        try
        {
            if (file is [0x30, ..]) return new RevokedCertificates(ReadList(file));
            var all = new List<(string, BigInteger)>();
            ReadOnlySpan<char> rest = Pem.Text(file);
            bool any = false;
            while (PemEncoding.TryFind(rest, out PemFields found))
            {
                if (rest[found.Label].SequenceEqual("X509 CRL"))
                {
                    all.AddRange(ReadList(Convert.FromBase64String(rest[found.Base64Data].ToString())));
                    any = true;
                }

                rest = rest[found.Location.End..];
            }

            return any ? new RevokedCertificates(all) : throw new TlsFileException($"{path} holds no list of revocations; it has to be DER, or begin with -----BEGIN X509 CRL-----.");
        }
        catch (Exception e) when (e is AsnContentException or FormatException)
        {
            throw new TlsFileException($"{path} holds a list of revocations that cannot be read: {e.Message}", e);
        }
    }

    public bool Contains(X509Certificate2 certificate) =>
        _serialsByIssuer.TryGetValue(Convert.ToHexString(certificate.IssuerName.RawData), out FrozenSet<BigInteger>? serials)
        && serials.Contains(new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: false, isBigEndian: true));

    private static List<(string Issuer, BigInteger Serial)> ReadList(byte[] der)
    {
        AsnReader list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer)) list.ReadInteger();   // version
        list.ReadSequence();   // algorithm of the signature
        string issuer = Convert.ToHexString(list.ReadEncodedValue().Span);
        ReadTime(list);   // this update
        if (list.HasData && IsTime(list.PeekTag())) ReadTime(list);   // next update
        var revoked = new List<(string, BigInteger)>();
        if (!list.HasData || !list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence)) return revoked;
        AsnReader entries = list.ReadSequence();
        while (entries.HasData) revoked.Add((issuer, entries.ReadSequence().ReadInteger()));
        return revoked;
    }

    private static bool IsTime(Asn1Tag tag) => tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static void ReadTime(AsnReader reader)
    {
        if (!IsTime(reader.PeekTag())) throw new AsnContentException("a time is missing");
        reader.ReadEncodedValue();
    }
}
