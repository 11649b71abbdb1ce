using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>A simulated disk for a node with its many threads: one call at a time.</summary>
internal sealed class LockedFileSystem(SimulatedFileSystem files) : IFileSystem
{
    private readonly Lock _gate = new();
    private int _heldSyncs;
    private readonly ManualResetEventSlim _syncs = new(initialState: true);

    /// <summary>Looks at the disk, or changes what goes wrong on it.</summary>
    public T With<T>(Func<SimulatedFileSystem, T> action)
    {
        lock (_gate) return action(files);
    }

    /// <summary>No sync of a file ends any more, as on a disk that has stalled; everything else works.</summary>
    public void HoldSyncs() => _syncs.Reset();

    /// <summary>Syncs that wait for the release.</summary>
    public int HeldSyncs => Volatile.Read(ref _heldSyncs);

    public void ReleaseSyncs() => _syncs.Set();

    public void CreateDirectory(string directory) => Do(() => files.CreateDirectory(directory));

    public IReadOnlyList<string> List(string directory) => With(f => f.List(directory));

    public IStorageFile Open(string path) => new LockedFile(this, With(f => f.Open(path)));

    public IStorageFile Create(string path) => new LockedFile(this, With(f => f.Create(path)));

    public void Rename(string source, string target) => Do(() => files.Rename(source, target));

    public void Delete(string path) => Do(() => files.Delete(path));

    public void SyncDirectory(string directory) => Do(() => files.SyncDirectory(directory));

    public IDisposable Lock(string path) => With(f => f.Lock(path));

    private void Do(Action action)
    {
        lock (_gate) action();
    }

    private sealed class LockedFile(LockedFileSystem owner, IStorageFile file) : IStorageFile
    {
        public long Length => owner.With(_ => file.Length);

        public void SetLength(long bytes) => owner.Do(() => file.SetLength(bytes));

        public bool Reserve(long bytes) => owner.With(_ => file.Reserve(bytes));

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            lock (owner._gate) file.Write(offset, bytes);
        }

        public int Read(long offset, Span<byte> buffer)
        {
            lock (owner._gate) return file.Read(offset, buffer);
        }

        public void Sync()
        {
            Interlocked.Increment(ref owner._heldSyncs);
            owner._syncs.Wait();
            Interlocked.Decrement(ref owner._heldSyncs);
            owner.Do(file.Sync);
        }

        public void DropCache() => owner.Do(file.DropCache);

        public void Dispose() => owner.Do(file.Dispose);
    }
}
