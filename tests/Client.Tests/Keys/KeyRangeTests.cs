using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Client.Tests.Keys;

public class KeyRangeTests(ITestOutputHelper output)
{
    // Few different bytes, 0xFF among them, so that prefixes really occur.
    private static readonly Gen<byte[]> Key = Gen.Choose(0, 4).SelectMany(n => Gen.ArrayOf(Gen.Elements<byte>(0, 0x61, 0xFE, 0xFF), n));

    [Fact]
    public void A_prefix_holds_exactly_the_keys_that_start_with_it() =>
        Properties.Holds(Prop.ForAll(Key.ToArbitrary(), Key.Where(k => k.Length > 0).ToArbitrary(),
            (prefix, key) => KeyRange.Prefix(prefix).Contains(key) == new Bytes(key).StartsWith(prefix)), output, tests: 2000);

    [Fact]
    public void From_a_key_holds_it_and_all_after_it() =>
        Properties.Holds(Prop.ForAll(Key.Where(k => k.Length > 0).ToArbitrary(), Key.Where(k => k.Length > 0).ToArbitrary(),
            (from, key) => KeyRange.From(from).Contains(key) == new Bytes(key).CompareTo(from) >= 0), output);

    [Fact]
    public void All_holds_every_key() => Assert.True(KeyRange.All.Contains("x") && KeyRange.Prefix("").Contains("x"));

    [Fact]
    public void A_single_key_holds_only_itself() => Assert.True(KeyRange.Single("a").Contains("a") && !KeyRange.Single("a").Contains("aa"));
}
