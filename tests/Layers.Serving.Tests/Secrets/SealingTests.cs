using System.Text;
using Conclave.Layers.Serving.Secrets;
using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Layers.Serving.Tests.Secrets;

public class SealingTests(ITestOutputHelper output)
{
    private static readonly Sealing.Place Place = new("default", "mq/nova");

    private static SealedSecret Seal(string text, SecretKeyRing? keys = null, int seed = 1) =>
        Sealing.Seal(keys ?? Rings.Of(1), Place, version: 3, Value.Of(text), "amy", 1_700_000_000_000, new Rings(seed).Fill);

    [Fact]
    public void What_was_sealed_opens_under_its_name_and_survives_its_bytes() =>
        Properties.Holds(Prop.ForAll((NonNull<string> text, PositiveInt seed) =>
        {
            if (text.Get.Any(char.IsSurrogate)) return;
            SealedSecret read = SealedSecret.TryParse(Seal(text.Get, seed: seed.Get).ToBytes())!;
            Assert.Equal(Value.Of(text.Get), Sealing.Open(Rings.Of(1), Place, read));
            Assert.Equal((3, "amy", 1_700_000_000_000), (read.Version, read.Author, read.TimeUnixMs));
        }), output);

    [Fact]
    public void Any_flipped_bit_of_a_record_is_refused()
    {
        byte[] bytes = Seal("hunter2").ToBytes();
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(SealedSecret.TryParse(flipped) is not { } read || Sealing.Open(Rings.Of(1), Place, read) is null, $"bit {bit}");
        }
    }

    [Fact]
    public void No_beginning_of_a_record_and_nothing_behind_it_is_a_record()
    {
        byte[] bytes = Seal("hunter2").ToBytes();
        Assert.NotNull(SealedSecret.TryParse(bytes));
        for (int length = 0; length < bytes.Length; length++) Assert.Null(SealedSecret.TryParse(bytes.AsSpan(0, length)));
        Assert.Null(SealedSecret.TryParse([.. bytes, 0]));
    }

    [Theory]
    [InlineData("default", "mq/glance")]
    [InlineData("other", "mq/nova")]
    public void A_record_under_another_name_or_space_does_not_open(string space, string name) => Assert.Null(Sealing.Open(Rings.Of(1), new(space, name), Seal("hunter2")));

    [Fact]
    public void Another_key_opens_nothing_and_rewraps_nothing()
    {
        SealedSecret record = Seal("hunter2");
        Assert.Null(Sealing.Open(Rings.Of(2), Place, record));
        Assert.Null(Sealing.Rewrap(Rings.Of(2), Place, record, new Rings(9).Fill));
    }

    [Fact]
    public void A_rotation_keeps_value_version_fingerprint_and_sealed_bytes() =>
        Properties.Holds(Prop.ForAll((NonNull<string> text) =>
        {
            if (text.Get.Any(char.IsSurrogate)) return;
            SealedSecret old = Seal(text.Get);
            SealedSecret rotated = Sealing.Rewrap(Rings.Of(2, 1), Place, old, new Rings(7).Fill)!;
            Assert.Equal(Rings.Of(2).ActiveId, rotated.KeyIdText);
            Assert.Equal(Value.Of(text.Get), Sealing.Open(Rings.Of(2), Place, rotated));
            Assert.Null(Sealing.Open(Rings.Of(1), Place, rotated));
            Assert.Equal((old.Version, old.FingerprintText, old.Author), (rotated.Version, rotated.FingerprintText, rotated.Author));
            Assert.Equal(old.Sealed, rotated.Sealed);
        }), output, tests: 50);

    [Fact]
    public void Two_seals_of_one_value_have_equal_fingerprints_and_nothing_else_in_common()
    {
        SealedSecret a = Seal("hunter2", seed: 1), b = Seal("hunter2", seed: 100);
        Assert.Equal(a.FingerprintText, b.FingerprintText);
        Assert.NotEqual(a.Sealed, b.Sealed);
        Assert.NotEqual(a.Wrapped, b.Wrapped);
        Assert.NotEqual(a.FingerprintText, Seal("hunter3").FingerprintText);
        Assert.NotEqual(a.FingerprintText, Seal("hunter2", Rings.Of(2)).FingerprintText);   // without the key nobody can try out guesses
        Assert.DoesNotContain("hunter", Encoding.Latin1.GetString(a.ToBytes()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "there is no key in it")]
    [InlineData("# only a comment", "there is no key in it")]
    [InlineData("not base64 at all", "line 1 is no key")]
    [InlineData("AAAA", "line 1 is no key")]
    public void A_key_file_without_keys_is_refused_without_a_word_of_what_is_in_it(string text, string expected)
    {
        Assert.Null(SecretKeyRing.Parse(text, out string problem));
        Assert.StartsWith(expected, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("AAAA", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_is_given_once_and_comments_and_empty_lines_are_passed_over()
    {
        string line = SecretKeyRing.LineOf(new byte[SecretKeyRing.KeyBytes]);
        Assert.Null(SecretKeyRing.Parse($"{line}\n{line}", out string problem));
        Assert.StartsWith("line 2 has a key that is there before", problem, StringComparison.Ordinal);
        Assert.Single(SecretKeyRing.Parse($"# the key\n\n{line}\r\n", out _)!.Ids);
    }

    [Theory]
    [InlineData("mq/nova", true)]
    [InlineData("a.b-c_d", true)]
    [InlineData("", false)]
    [InlineData("/a", false)]
    [InlineData("a//b", false)]
    [InlineData("a@1", false)]
    [InlineData("a}b", false)]
    [InlineData("entry/nova", false)]
    public void Names_of_secrets_are_words_and_slashes(string name, bool isName) => Assert.Equal(isName, SecretNames.IsName(name));

    [Fact]
    public void Names_of_entries_values_can_stand_in_a_reference_and_know_their_key() =>
        Properties.Holds(Prop.ForAll((NonEmptyString document, NonEmptyString key, NonEmptyString other) =>
        {
            string name = SecretNames.ForEntry(document.Get, "role=a;region=b", key.Get, new Rings(1).Fill);
            Assert.True(SecretNames.IsOfEntry(name));
            Assert.True(SecretNames.IsOfKey(name, document.Get, key.Get));
            if (Encoding.UTF8.GetBytes(other.Get).AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(key.Get))) return;   // half surrogates have no bytes of their own
            Assert.False(SecretNames.IsOfKey(name, document.Get, other.Get));
            Assert.Equal(name, SecretReferences.Whole(SecretReferences.Refer(name)));
        }), output);
}
