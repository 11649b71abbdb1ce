using System.Security.Cryptography;
using Conclave.Client.Cluster;
using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Client.Tests.Cluster;

public class SnapshotChecksumTests(ITestOutputHelper output)
{
    [Fact]
    public void A_checksum_matches_however_the_bytes_are_split() =>
        Properties.Holds(Prop.ForAll((byte[] content, NonEmptyArray<PositiveInt> splits) => Check(content, splits, damage: null)), output);

    [Fact]
    public void A_single_changed_byte_is_seen() =>
        Properties.Holds(Prop.ForAll((byte[] content, NonEmptyArray<PositiveInt> splits, NonNegativeInt at) => !Check(content, splits, at.Get)), output);

    [Fact]
    public void Fewer_bytes_than_a_checksum_never_match()
    {
        using SnapshotChecksum checksum = new();
        checksum.Append(new byte[31]);
        Assert.False(checksum.Matches());
    }

    private static bool Check(byte[] content, NonEmptyArray<PositiveInt> splits, int? damage)
    {
        byte[] all = [.. content, .. SHA256.HashData(content)];
        if (damage is { } at) all[at % all.Length] ^= 1;
        using SnapshotChecksum checksum = new();
        for (int position = 0, i = 0; position < all.Length; i++)
        {
            int length = Math.Min(splits.Get[i % splits.Get.Length].Get, all.Length - position);
            checksum.Append(all.AsSpan(position, length));
            position += length;
        }

        return checksum.Matches();
    }
}
