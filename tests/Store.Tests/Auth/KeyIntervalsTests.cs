using Conclave.Store.Auth;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests.Auth;

public class KeyIntervalsTests(ITestOutputHelper output)
{
    private static readonly char[] Letters = ['\0', 'a', 'b', 'c'];

    /// <summary>
    /// All keys of one to three letters. Ranges in these tests begin and end at keys of at most two, so where a range is not covered one of
    /// these keys shows it: the first that is missing is the start of the range, or where a permission ends, which is a key of at most two with a zero behind it.
    /// </summary>
    private static readonly string[] Keys = [.. Words(3)];

    [Fact]
    public void A_range_is_covered_when_every_key_in_it_is_permitted() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(60), program =>
        {
            var choices = new Choices(program);
            (string Key, string End)[] permitted = [.. Enumerable.Range(0, choices.Below(7)).Select(_ => Range(choices))];
            KeyIntervals intervals = KeyIntervals.Of(permitted.Select(p => new AuthPermission(PermissionKind.Read, Proto.Key(p.Key), Proto.Key(p.End))));
            for (int i = 0; i < 20; i++)
            {
                (string key, string end) = Range(choices);
                bool isEmpty = !Keys.Any(k => Holds(key, end, k));
                bool expected = isEmpty ? permitted.Any(p => Holds(p.Key, p.End, key)) : Keys.Where(k => Holds(key, end, k)).All(k => permitted.Any(p => Holds(p.Key, p.End, k)));
                // What is permitted without end covers keys of every length; the longest key here does not stand for those behind it.
                if (end == "\0" && !permitted.Any(p => p.End == "\0"))
                    expected = false;
                Assert.True(expected == intervals.Cover(Proto.Key(key), Proto.Key(end)),
                    $"[{Show(key)}, {Show(end)}) expected {expected} by {string.Join(' ', permitted.Select(p => $"[{Show(p.Key)}, {Show(p.End)})"))}");
            }
        }), output, tests: 3000);

    [Theory]
    [InlineData("a", "", true)]
    [InlineData("a", "c", true)]     // two that touch
    [InlineData("a", "d", true)]     // the key c alone lies between [a, c) and [c 0, d)
    [InlineData("a", "e", false)]
    [InlineData("c", "", true)]
    [InlineData("d", "", false)]
    [InlineData("x", "\0", true)]
    [InlineData("w", "\0", false)]
    [InlineData("x", "zz", true)]
    [InlineData("b", "\0", false)]
    public void Permissions_that_touch_are_as_good_as_one(string key, string end, bool covered)
    {
        KeyIntervals intervals = KeyIntervals.Of(new[] { ("x", "\0"), ("c", ""), ("b", "c"), ("c\0", "d"), ("a", "b") }
            .Select(p => new AuthPermission(PermissionKind.Read, Proto.Key(p.Item1), Proto.Key(p.Item2))));
        Assert.Equal(covered, intervals.Cover(Proto.Key(key), Proto.Key(end)));
    }

    private static IEnumerable<string> Words(int lengthMax) =>
        lengthMax == 0 ? [] : Letters.Select(c => c.ToString()).Concat(Words(lengthMax - 1).SelectMany(w => Letters.Select(c => w + c))).Distinct();

    private static (string Key, string End) Range(Choices choices)
    {
        string key = Word(choices);
        return (key, choices.Below(4) switch { 0 => "", 1 => "\0", _ => Word(choices) });
    }

    private static string Word(Choices choices) => choices.Chance(50) ? choices.Of(Letters).ToString() : $"{choices.Of(Letters)}{choices.Of(Letters)}";

    private static bool Holds(string key, string end, string tested) => end switch
    {
        "" => tested == key,
        "\0" => string.CompareOrdinal(tested, key) >= 0,
        _ => string.CompareOrdinal(tested, key) >= 0 && string.CompareOrdinal(tested, end) < 0,
    };

    private static string Show(string text) => text.Replace("\0", "0", StringComparison.Ordinal);
}
