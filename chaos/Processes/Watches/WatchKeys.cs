using System.Globalization;

namespace Conclave.Processes.Watches;

/// <summary>Where writers write, and what watchers want of it.</summary>
internal static class WatchKeys
{
    public const string Prefix = "w/", End = "w0";
    public const int Areas = 3, KeysPerArea = 30;

    public static bool IsOwn(string key) => key.StartsWith(Prefix, StringComparison.Ordinal);

    public static string Key(int area, int key) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{(char)('a' + area)}/{key:D2}");

    public static string Large(int index) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}large/{index:D2}");

    /// <summary>All that is to be tried at each member.</summary>
    public static IReadOnlyList<(string Name, WatchWish Wish, WatchHabit Habit)> Kinds { get; } =
    [
        ("all, previous values", new WatchWish { Key = Prefix, RangeEnd = End, WantsPrevious = true }, WatchHabit.None),
        ("all, in parts, previous values, progress", new WatchWish { Key = Prefix, RangeEnd = End, WantsPrevious = true, TakesFragments = true }, WatchHabit.AsksProgress),
        ("all, slow", new WatchWish { Key = Prefix, RangeEnd = End }, WatchHabit.Slow),
        ("all, slow, in parts, previous values", new WatchWish { Key = Prefix, RangeEnd = End, WantsPrevious = true, TakesFragments = true }, WatchHabit.Slow),
        ("deletions, previous values", new WatchWish { Key = Prefix, RangeEnd = End, SkipsPuts = true, WantsPrevious = true }, WatchHabit.AsksProgress),
        ("puts of an area", new WatchWish { Key = Key(1, 0), RangeEnd = Key(2, 0), SkipsDeletes = true }, WatchHabit.None),
        ("from a key on", new WatchWish { Key = Key(1, 15), RangeEnd = "\0" }, WatchHabit.AsksProgress),
        ("one key, previous values", new WatchWish { Key = Key(0, 7), WantsPrevious = true }, WatchHabit.AsksProgress),
        ("one key, slow", new WatchWish { Key = Key(2, 3) }, WatchHabit.Slow),
    ];
}

/// <summary>How a watcher behaves.</summary>
internal enum WatchHabit
{
    None,

    /// <summary>Reads a few events per second.</summary>
    Slow,

    AsksProgress,
}
