using System.Buffers;
using System.IO.Pipelines;
using Conclave.Node.Http.Port;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Conclave.Node.Http.Limits;

/// <summary>Hangs up on HTTP/2 clients that ping without end: each ping costs an answer, and nothing else bounds them.</summary>
internal static class PingGuard
{
    /// <summary>Before the protocol, and after TLS if there is any.</summary>
    public static void UsePingGuard(this ListenOptions listen, ClientListenerOptions options, ClientRefusals refusals)
    {
        if (options.Limits.KeepAliveMinTime == TimeSpan.Zero) return;
        listen.Use(next => connection => AuthorityRepairConnection.IsHttp2(listen, connection) ? ServeAsync(next, connection, options, refusals) : next(connection));
    }

    private static async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection, ClientListenerOptions options, ClientRefusals refusals)
    {
        IDuplexPipe transport = connection.Transport;
        var output = new CountingWriter(transport.Output);
        connection.Transport = new GuardedTransport(new CountedReader(transport.Input, new PingCounter(options.Limits.KeepAliveMinTime, options.Time), output, () =>
        {
            refusals.Say(RefusalReason.Pings, connection.RemoteEndPoint, "it pings more often than --grpc-keepalive-min-time allows");
            connection.Abort(new ConnectionAbortedException("too many pings"));
        }), output);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    private sealed record GuardedTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class CountedReader(PipeReader inner, PingCounter pings, CountingWriter output, Action onFlood) : PipeReader
    {
        private ReadOnlySequence<byte> _shown;
        private bool _isFlooded;

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ValueTask<ReadResult> reading = inner.ReadAsync(cancellationToken);
            if (!reading.IsCompletedSuccessfully) return WaitAsync(reading);
            ReadResult result = reading.Result;
            _shown = result.Buffer;
            return new ValueTask<ReadResult>(result);
        }

        public override bool TryRead(out ReadResult result)
        {
            bool isThere = inner.TryRead(out result);
            if (isThere) _shown = result.Buffer;
            return isThere;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            if (!_isFlooded && !pings.Walk(_shown.Slice(_shown.Start, consumed), output.Written))
            {
                _isFlooded = true;
                onFlood();
            }

            _shown = default;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
        private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> reading)
        {
            ReadResult result = await reading;
            _shown = result.Buffer;
            return result;
        }
    }

    private sealed class CountingWriter(PipeWriter inner) : PipeWriter
    {
        private long _written;

        public long Written => Volatile.Read(ref _written);

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes)
        {
            Volatile.Write(ref _written, _written + bytes);   // Kestrel writes from one thread at a time
            inner.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            Volatile.Write(ref _written, _written + source.Length);
            return inner.WriteAsync(source, cancellationToken);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }
}
