using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using Conclave.Bench.Load;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Cases;

/// <summary>Watchers of one prefix, spread over the members, while a few writers put as fast as they can. An operation is an event that reached a watcher.</summary>
internal sealed class WatchCase(string name, string description, int watchers, int writers, params Guard[] guards) : SharedClusterCase(name, description, guards)
{
    private const string Prefix = "watched/";

    public override async Task<Metrics> RunAsync(ProcessCluster cluster, BenchOptions options, RunPlan plan, CancellationToken cancellationToken)
    {
        IPEndPoint[] endpoints = await LoadCase.EndpointsAsync(cluster, options, cancellationToken).ConfigureAwait(false);
        (LoadWindow writing, LoadWindow reading) = (new(), new());
        WatchReader[] readers = [.. endpoints.Select((endpoint, i) => new WatchReader(endpoint, Prefix, (watchers + i) / endpoints.Length, reading))];
        LoadClient[] clients = [.. Enumerable.Range(0, writers).Select(i => new StampedPutClient(i))];
        LoadWorker[] workers = LoadCase.Spread(clients, endpoints, options.ConnectionsPerEndpoint, writing);
        try
        {
            Task[] readersRun = [.. readers.Select(reader => Start(reader.Run))];
            await Task.WhenAny(Task.WhenAll(readers.Select(reader => reader.AllCreated)), Task.WhenAny(readersRun)).WaitAsync(TimeSpan.FromSeconds(30), cancellationToken).ConfigureAwait(false);
            Task[] writersRun = [.. workers.Select(worker => Start(worker.Run))];
            await Task.Delay(plan.WarmUp, cancellationToken).ConfigureAwait(false);

            (TimeSpan serverBefore, TimeSpan ownBefore, long start) = (cluster.TotalCpu(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
            reading.Measure();
            await Task.Delay(plan.Measure, cancellationToken).ConfigureAwait(false);
            reading.End();
            (TimeSpan elapsed, TimeSpan server, TimeSpan own) = (Stopwatch.GetElapsedTime(start), cluster.TotalCpu() - serverBefore, Environment.CpuUsage.TotalTime - ownBefore);
            await Task.WhenAll(readersRun).ConfigureAwait(false);   // each ends at its next event: the writers still run
            writing.End();
            await Task.WhenAll(writersRun).ConfigureAwait(false);

            var latencies = new LatencyHistogram();
            foreach (WatchReader reader in readers)
                latencies.Add(reader.Latencies);
            return Metrics.OfLoad(latencies, workers.Sum(worker => worker.Errors), elapsed, server, own);
        }
        finally
        {
            foreach (IDisposable each in (IDisposable[])[.. readers, .. workers])
                each.Dispose();
        }
    }

    private static Task Start(Action run) => Task.Factory.StartNew(run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Puts whose value begins with the time of sending.</summary>
    private sealed class StampedPutClient : LoadClient
    {
        private readonly byte[] _request;
        private readonly int _stampAt;

        public StampedPutClient(int index)
        {
            byte[] value = KeySpace.Value(KeySpace.ValueBytes);
            _request = new PutRequest { Key = ByteString.CopyFrom(KeySpace.Key(Prefix, index)), Value = ByteString.CopyFrom(value) }.ToByteArray();
            _stampAt = _request.Length - value.Length;
        }

        public override string Path => "/etcdserverpb.KV/Put";

        public override ReadOnlySpan<byte> Next()
        {
            BinaryPrimitives.WriteInt64LittleEndian(_request.AsSpan(_stampAt), Stopwatch.GetTimestamp());
            return _request;
        }
    }
}
