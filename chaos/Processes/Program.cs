using Conclave.Processes.Servers;

// Starts a cluster and says where it is: ends, with all of it, at the first line on standard input.
ServerKind kind = args.Contains("etcd") ? ServerKind.Etcd : ServerKind.Conclave;
await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind });
Console.WriteLine($"{cluster.Endpoints} leader {cluster.Members[await cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(10))]}");
Console.ReadLine();
return 0;
