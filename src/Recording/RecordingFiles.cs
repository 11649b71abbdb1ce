using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>The files of one node in the directory, counted. The oldest go when there is no room: so what is kept has no gap.</summary>
internal sealed class RecordingFiles
{
    private readonly string _directory;
    private readonly NodeId _node;
    private readonly Queue<(string Path, long Bytes)> _finished = [];

    /// <summary>Takes stock of what earlier runs left, and removes what a killed one had just begun.</summary>
    /// <exception cref="IOException">The directory cannot be used.</exception>
    public RecordingFiles(RecorderOptions options, NodeId node)
    {
        (_directory, _node, BytesMax) = (options.Directory, node, options.BytesMax);
        System.IO.Directory.CreateDirectory(_directory);
        string end = RecordingDirectory.NameEnd(node);
        foreach (string torn in System.IO.Directory.EnumerateFiles(_directory, "*" + end + RecordingDirectory.UnfinishedExtension)) File.Delete(torn);
        foreach (FileInfo file in RecordingDirectory.List(_directory))
            if (file.Name.EndsWith(end, StringComparison.Ordinal)) Finished(file.FullName, file.Length);
    }

    public long BytesMax { get; }

    /// <summary>Of all files but the one that is being written.</summary>
    public long Bytes { get; private set; }

    public string PathOf(DateTimeOffset run, long part) => Path.Combine(_directory, RecordingDirectory.NameOf(run, part, _node));

    /// <summary>That file grows no more.</summary>
    public void Finished(string path, long bytes)
    {
        _finished.Enqueue((path, bytes));
        Bytes += bytes;
    }

    /// <summary>Deletes the oldest files until so many bytes fit beside the rest.</summary>
    /// <returns>False when they do not fit at all.</returns>
    public bool MakeRoom(long bytes)
    {
        while (Bytes + bytes > BytesMax && _finished.TryPeek(out (string Path, long Bytes) oldest))
        {
            File.Delete(oldest.Path);
            _finished.Dequeue();
            Bytes -= oldest.Bytes;
        }

        return Bytes + bytes <= BytesMax;
    }
}
