using System.Buffers;
using System.IO.Pipelines;

namespace Conclave.Node.Http.Port;

/// <summary>The input of an HTTP/2 connection, with <see cref="HeadersWatch"/> between it and its reader. Once the watch is done, a check of a flag is all it costs.</summary>
/// <remarks>
/// Kestrel copies whatever has arrived, whole frames or not, so the beginning of a frame that is still to be judged has to be held back. While
/// watching, a result of the inner reader is kept open until all of it that was shown is examined, and only then given back, examined to its
/// end: a position that was examined may not move back, and a held frame has to be waited for.
/// </remarks>
internal sealed class WatchedPipeReader(PipeReader inner) : PipeReader
{
    private readonly HeadersWatch _watch = new();
    private bool _isPassing; // the watch is over and nothing is held: all goes straight to the inner reader

    // While watching: what the inner reader's open result still holds. Lengths count from its start.
    private bool _isOpen, _isCanceled, _isCompleted;
    private ReadOnlySequence<byte> _unread;
    private long _passedOn, _examined;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _isPassing ? inner.ReadAsync(cancellationToken) : ReadWatchedAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        if (!_isPassing)
        {
            if (TryShow(out result)) return true;
            Close();
        }

        if (_isPassing) return inner.TryRead(out result);
        if (!inner.TryRead(out result)) return false;
        Open(result);
        return TryShow(out result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_isPassing)
        {
            inner.AdvanceTo(consumed, examined);
            return;
        }

        ReadOnlySequence<byte> left = _unread.Slice(consumed);
        long consumedBytes = _unread.Length - left.Length;
        _examined = Math.Max(_examined - consumedBytes, left.Slice(left.Start, examined).Length);
        _passedOn -= consumedBytes;
        _unread = left;
        _watch.Consumed(consumedBytes);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private async ValueTask<ReadResult> ReadWatchedAsync(CancellationToken cancellationToken)
    {
        ReadResult result;
        while (!TryShow(out result))
        {
            Close();
            if (_isPassing) return await inner.ReadAsync(cancellationToken);
            Open(await inner.ReadAsync(cancellationToken));
        }

        return result;
    }

    private void Open(in ReadResult result)
    {
        (_isOpen, _isCanceled, _isCompleted, _unread) = (true, result.IsCanceled, result.IsCompleted, result.Buffer);
        long judged = _watch.Look(_unread);
        _passedOn = _isCompleted ? _unread.Length : judged; // What is incomplete at the end stays so.
    }

    /// <returns>False when the reader has to wait for more to arrive.</returns>
    private bool TryShow(out ReadResult result)
    {
        if (!_isOpen || _passedOn <= _examined && !_isCanceled && !_isCompleted)
        {
            result = default;
            return false;
        }

        result = new ReadResult(_unread.Slice(0, _passedOn), _isCanceled, _isCompleted);
        _isCanceled = false; // It ends one read.
        return true;
    }

    private void Close()
    {
        if (!_isOpen) return;
        inner.AdvanceTo(_unread.Start, _unread.End);
        (_isOpen, _unread) = (false, default);
        _isPassing = _watch.IsDone;
    }
}
