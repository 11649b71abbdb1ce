namespace Conclave.Store;

/// <summary>Limits of the state machine. None of them changes what a command does, so members may differ in them.</summary>
public sealed record StoreOptions
{
    /// <summary>Size above which <see cref="KeyValueStore.IsOverQuota"/> says so. Default 2 GiB; negative is no limit.</summary>
    public long QuotaBytes { get; init; } = 2L << 30;

    /// <summary>Changes that one publish looks at while it reclaims compacted history: about 1 us each. Default 256.</summary>
    public int CompactionChangesPerPublish { get; init; } = 256;

    /// <summary>Silence after which a watcher with progress_notify is told the revision, in milliseconds. Default 10 minutes.</summary>
    public long WatchProgressMilliseconds { get; init; } = 600_000;

    /// <summary>All problems at once, each with what to use instead.</summary>
    public IEnumerable<string> Problems()
    {
        var problems = new List<string>();
        if (CompactionChangesPerPublish < 1)
            problems.Add($"CompactionChangesPerPublish is {CompactionChangesPerPublish}; use 1 or more.");
        if (WatchProgressMilliseconds < 100)
            problems.Add($"WatchProgressMilliseconds is {WatchProgressMilliseconds}; use 100 or more.");
        return problems;
    }
}
