using Conclave.Processes.Damage;
using Conclave.Processes.Kill;
using Conclave.Processes.Locks;
using Conclave.Processes.Membership;
using Conclave.Processes.Servers;
using Conclave.Processes.Watches;

const string usage = $"""
    {KillOptions.Usage}

    {ReplaceOptions.Usage}

    {DamageOptions.Usage}

    {LocksOptions.Usage}

    {WatchesOptions.Usage}

    run [conclave|etcd]

    Starts three members and says where they are, until a line on standard input or its end.
    """;

switch (args)
{
    case ["kill", .. string[] rest]:
        KillOptions options;
        try
        {
            options = KillOptions.Parse(rest);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{KillOptions.Usage}");
            return 2;
        }
        KillReport report = await KillRun.RunAsync(options, Console.Error.WriteLine);
        Console.WriteLine(report);
        Console.WriteLine(report.ToJson());
        if (options.JsonPath is { } path)
            await File.WriteAllTextAsync(path, report.ToJson());
        return report.Violations.Count == 0 ? 0 : 1;

    case ["replace", .. string[] rest]:
        ReplaceOptions replace;
        try
        {
            replace = ReplaceOptions.Parse(rest);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{ReplaceOptions.Usage}");
            return 2;
        }
        ReplaceReport replaced = await ReplaceRun.RunAsync(replace, Console.Error.WriteLine);
        Console.WriteLine(replaced);
        Console.WriteLine(replaced.ToJson());
        if (replace.JsonPath is { } target)
            await File.WriteAllTextAsync(target, replaced.ToJson());
        return replaced.Violations.Count == 0 ? 0 : 1;

    case ["damage", .. string[] rest]:
        DamageOptions damage;
        try
        {
            damage = DamageOptions.Parse(rest);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{DamageOptions.Usage}");
            return 2;
        }
        DamageReport damaged = await DamageRun.RunAsync(damage, Console.Error.WriteLine);
        Console.WriteLine(damaged);
        Console.WriteLine(damaged.ToJson());
        if (damage.JsonPath is { } file)
            await File.WriteAllTextAsync(file, damaged.ToJson());
        return damaged.Violations.Count == 0 ? 0 : 1;

    case ["locks", .. string[] rest]:
        LocksOptions locks;
        try
        {
            locks = LocksOptions.Parse(rest);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{LocksOptions.Usage}");
            return 2;
        }
        LocksReport competed = await LocksRun.RunAsync(locks, Console.Error.WriteLine);
        Console.WriteLine(competed);
        Console.WriteLine(competed.ToJson());
        if (locks.JsonPath is { } place)
            await File.WriteAllTextAsync(place, competed.ToJson());
        return competed.Violations.Count == 0 ? 0 : 1;

    case ["watches", .. string[] rest]:
        WatchesOptions watches;
        try
        {
            watches = WatchesOptions.Parse(rest);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{WatchesOptions.Usage}");
            return 2;
        }
        WatchesReport watched = await WatchesRun.RunAsync(watches, Console.Error.WriteLine);
        Console.WriteLine(watched);
        Console.WriteLine(watched.ToJson());
        if (watches.JsonPath is { } where)
            await File.WriteAllTextAsync(where, watched.ToJson());
        return watched.Violations.Count == 0 ? 0 : 1;

    // Started by "locks" for itself.
    case [LockClientProcess.Command, .. string[] rest]:
        return await LockClientProcess.RunAsync(rest);

    case ["run", .. string[] rest]:
        ServerKind kind = rest is ["etcd"] ? ServerKind.Etcd : ServerKind.Conclave;
        await using (ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind }))
        {
            Console.WriteLine($"{cluster.Endpoints} leader {cluster.Members[await cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(10))]}");
            Console.ReadLine();
        }
        return 0;

    default:
        Console.Error.WriteLine(usage);
        return 2;
}
