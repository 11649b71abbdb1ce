namespace Conclave.Storage;

/// <summary>A file system in memory that can lose its power. One seed gives one run, always.</summary>
/// <remarks>
/// <para>What a power cut leaves of what was not synced is drawn from the seed: each 512-byte sector is the old or the new one, in
/// any combination, so writes are torn and reordered; a changed length is kept or not; a changed name is kept or not,
/// sometimes in order and sometimes not. What was synced stays, except where <see cref="DiskFaults"/> says otherwise.</para>
/// <para>After <see cref="PowerCut"/> or <see cref="KillProcess"/> every handle and lock is dead and the same object is "the
/// machine after the restart". Not thread-safe.</para>
/// </remarks>
public sealed class SimulatedFileSystem : IFileSystem
{
    private readonly SimulatedNames _names = new();
    private readonly HashSet<string> _locks = new(StringComparer.Ordinal);
    private SimulatedRandom _random;
    private bool _isTorn; // the power went before a sync that was waited for
    private long _life; // handles and locks of earlier lives are dead

    public SimulatedFileSystem(ulong seed) => _random = new SimulatedRandom(seed);

    /// <summary>What goes wrong.</summary>
    public DiskFaults Faults { get; } = new();

    /// <summary>Calls so far that change something: each is a point where <see cref="DiskFaults.CrashAtStep"/> can strike.</summary>
    public long Steps { get; private set; }

    /// <summary>Successful and failed calls of <see cref="IStorageFile.Sync"/> so far.</summary>
    public long Syncs { get; private set; }

    /// <summary>The armed crash has happened: every call fails until <see cref="PowerCut"/> or <see cref="KillProcess"/>.</summary>
    public bool IsDown { get; private set; }

    /// <summary>Bytes in allocated pages; holes cost nothing.</summary>
    public long UsedBytes => _names.UsedBytes;

    /// <summary>The power goes and comes back: unsynced changes survive in part.</summary>
    public void PowerCut()
    {
        _names.PowerCut(ref _random, filesInOrder: _isTorn);
        StartNewLife();
    }

    /// <summary>The process dies and the machine lives on: everything written is still there, synced or not.</summary>
    public void KillProcess() => StartNewLife();

    /// <summary>Flips one bit on the disk. Bit 0 is the lowest of byte 0.</summary>
    public void FlipBit(string path, long bit)
    {
        Span<byte> one = stackalloc byte[1];
        SimulatedInode file = _names.Find(path);
        file.Read(bit / 8, one);
        one[0] ^= (byte)(1 << (int)(bit % 8));
        file.Overwrite(bit / 8, one);
    }

    /// <summary>Puts bytes on the disk behind everybody's back: a misdirected write, or damage.</summary>
    public void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes) => _names.Find(path).Overwrite(offset, bytes);

    /// <summary>Cuts the file on the disk.</summary>
    public void Truncate(string path, long bytes)
    {
        SimulatedInode file = _names.Find(path);
        file.SetLength(bytes);
        file.Sync();
    }

    /// <summary>Removes the file, durably.</summary>
    public void Remove(string path)
    {
        _names.Delete(path);
        _names.Sync(Path.GetDirectoryName(path) ?? "");
    }

    public byte[] ReadAll(string path)
    {
        SimulatedInode file = _names.Find(path);
        byte[] bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes;
    }

    /// <summary>An independent machine with the same visible files, all of them durable.</summary>
    public SimulatedFileSystem Copy(ulong seed)
    {
        var copy = new SimulatedFileSystem(seed);
        _names.CopyTo(copy._names);
        return copy;
    }

    /// <summary>A copy of everything visible, as a backup or a second machine; for <see cref="RestoreFrom"/>. Random choices of the two differ from here on.</summary>
    public SimulatedFileSystem Clone() => Copy(_random.Next());

    /// <summary>The disk is replaced by a copy: a backup that somebody restored, or a directory cloned from another machine. Open handles and locks die.</summary>
    public void RestoreFrom(SimulatedFileSystem copy)
    {
        _names.Clear();
        copy._names.CopyTo(_names);
        StartNewLife();
    }

    /// <summary>The disk is replaced by an empty one. Open handles and locks die.</summary>
    public void Wipe()
    {
        _names.Clear();
        StartNewLife();
    }

    /// <summary>Flips bits at rest, in files and places drawn from the seed.</summary>
    /// <param name="kind">Which files.</param>
    /// <param name="bits">How many.</param>
    /// <returns>The files that were hit, one per bit; empty if there are none of that kind.</returns>
    public IReadOnlyList<string> FlipRandomBits(DiskFileKind kind, int bits = 1)
    {
        var hit = new List<string>();
        List<string> files = [.. _names.Paths.Where(path => DiskFileKinds.Of(path) == kind && _names.Find(path).Length > 0)];
        for (int i = 0; i < bits && files.Count > 0; i++)
        {
            string path = files[_random.Below(files.Count)];
            FlipBit(path, (long)(_random.Next() % (ulong)(_names.Find(path).Length * 8)));
            hit.Add(path);
        }
        return hit;
    }

    public void CreateDirectory(string directory) => RequirePower(directory);

    public IReadOnlyList<string> List(string directory)
    {
        RequirePower(directory);
        return _names.List(directory);
    }

    public IStorageFile Open(string path)
    {
        RequirePower(path);
        return new Handle(this, path, _names.Find(path));
    }

    public IStorageFile Create(string path)
    {
        Change(DiskOperation.Create, path);
        return new Handle(this, path, _names.Create(path));
    }

    public void Rename(string source, string target)
    {
        Change(DiskOperation.Rename, source);
        _names.Rename(source, target, Faults.Takes(DiskEffect.LostRename, target));
    }

    public void Delete(string path)
    {
        Change(DiskOperation.Delete, path);
        _names.Delete(path);
    }

    public void SyncDirectory(string directory)
    {
        Change(DiskOperation.SyncDirectory, directory);
        _names.Sync(directory);
    }

    public IDisposable Lock(string path)
    {
        RequirePower(path);
        if (Faults.ReadOnly)
            throw new FileSystemException(FileError.AccessDenied, path, "read-only");
        if (!_locks.Add(path))
            throw new FileSystemException(FileError.Locked, path, "locked");
        return new HeldLock(this, path, _life);
    }

    private void StartNewLife()
    {
        _life++;
        _locks.Clear();
        IsDown = false;
        _isTorn = false;
        (Faults.CrashAtStep, Faults.CrashBeforeSyncOfBytes) = (null, null);
    }

    private void RequirePower(string path)
    {
        if (IsDown)
            throw new SimulatedCrashException(path);
    }

    /// <summary>Every changing call passes here first.</summary>
    private void Change(DiskOperation operation, string path)
    {
        RequirePower(path);
        Steps++;
        if (Faults.CrashAtStep == Steps)
        {
            IsDown = true;
            throw new SimulatedCrashException(path);
        }
        if (Faults.ReadOnly)
            throw new FileSystemException(FileError.AccessDenied, path, "read-only");
        if (Faults.Take(operation, path) is { } error)
            throw new FileSystemException(error, path, $"injected {error} on {operation}");
    }

    private sealed class HeldLock(SimulatedFileSystem owner, string path, long life) : IDisposable
    {
        public void Dispose()
        {
            if (life == owner._life)
                owner._locks.Remove(path);
        }
    }

    private sealed class Handle(SimulatedFileSystem owner, string path, SimulatedInode inode) : IStorageFile
    {
        private readonly long _life = owner._life;

        public long Length
        {
            get
            {
                RequireAlive();
                return inode.Length;
            }
        }

        public void SetLength(long bytes)
        {
            RequireAlive();
            owner.Change(DiskOperation.SetLength, path);
            inode.SetLength(bytes);
        }

        public bool Reserve(long bytes)
        {
            RequireAlive();
            owner.Change(DiskOperation.Reserve, path);
            if (owner.Faults.NoReservations)
                return false;
            RequireSpace(0, bytes);
            inode.Reserve(bytes);
            return true;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            RequireAlive();
            try
            {
                owner.Change(DiskOperation.Write, path);
            }
            catch (FileSystemException)
            {
                // A write that fails, or is under way when the power goes, has got anywhere between nothing and all of it done.
                int part = owner._random.Below(4) switch { 0 => 0, 1 => bytes.Length, _ => owner._random.Below(bytes.Length + 1) };
                inode.Write(offset, bytes[..part]);
                throw;
            }
            RequireSpace(offset, bytes.Length);
            if (owner.Faults.Takes(DiskEffect.LostWrite, path))
                inode.WriteToCacheOnly(offset, bytes);
            else if (owner.Faults.Takes(DiskEffect.MisdirectedWrite, path, out int bySectors))
                inode.Write(Math.Clamp(offset + bySectors * 512L, 0, Math.Max(0, inode.Length - bytes.Length)), bytes);
            else
                inode.Write(offset, bytes);
        }

        public int Read(long offset, Span<byte> buffer)
        {
            RequireAlive();
            if (owner.Faults.Take(DiskOperation.Read, path) is { } error)
                throw new FileSystemException(error, path, "injected read error");
            if (owner.Faults.IsUnreadable(path, offset, buffer.Length))
                throw new FileSystemException(FileError.Io, path, "unreadable sectors");
            return owner.Faults.Takes(DiskEffect.StaleRead, path) ? inode.ReadStale(offset, buffer) : inode.Read(offset, buffer);
        }

        public void Sync()
        {
            RequireAlive();
            owner.Syncs++;
            if (owner.Faults.CrashBeforeSyncOfBytes <= inode.DirtyBytes)
                (owner.Faults.CrashAtStep, owner._isTorn) = (owner.Steps + 1, true);
            try
            {
                owner.Change(DiskOperation.Sync, path);
            }
            catch (FileSystemException) when (!owner.IsDown)
            {
                inode.FailSync(ref owner._random);
                throw;
            }
            inode.Sync();
        }

        public void DropCache()
        {
            RequireAlive();
            inode.DropCache();
        }

        public void Dispose()
        {
        }

        private void RequireSpace(long offset, long bytes)
        {
            if (owner.Faults.SpaceBytesMax is { } limit && inode.BytesToAllocate(offset, bytes) is > 0 and var needed && owner.UsedBytes + needed > limit)
                throw new FileSystemException(FileError.NoSpace, path, "no space left");
        }

        private void RequireAlive()
        {
            owner.RequirePower(path);
            if (_life != owner._life)
                throw new SimulatedCrashException(path);
        }
    }
}
