namespace Conclave.Cli.Up;

/// <summary>
/// A log file that does not grow without end: at <see cref="BytesMax"/> it is renamed to <c>.1</c>, over the one before, and
/// begun anew. Thread-safe; a disk that refuses to take a line loses the line and nothing else.
/// </summary>
internal sealed class BoundedLog(string path) : IDisposable
{
    public const long BytesMax = 4 << 20;
    private readonly Lock _lock = new();
    private StreamWriter? _writer;
    private long _bytes;

    public string Path => path;

    public void WriteLine(string line)
    {
        lock (_lock)
        {
            try
            {
                StreamWriter writer = _writer ?? Open();
                writer.WriteLine(line);
                writer.Flush();
                _bytes += line.Length + 1;
                if (_bytes > BytesMax) Turn();
            }
            catch (IOException)
            {
                // A full disk must not take the nodes' console down with it.
                Close();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock) Close();
    }

    private StreamWriter Open()
    {
        FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        _bytes = file.Length;
        return _writer = new StreamWriter(file) { NewLine = "\n" };
    }

    private void Turn()
    {
        Close();
        File.Move(path, path + ".1", overwrite: true);
    }

    private void Close()
    {
        _writer?.Dispose();
        _writer = null;
    }
}
