namespace Conclave.Recording;

/// <summary>Where to record and how much.</summary>
public sealed record RecorderOptions
{
    /// <summary>Made if it is not there. Nothing else should be in it.</summary>
    public required string Directory { get; init; }

    /// <summary>
    /// Bytes of all recordings of one node in the directory, 1 MiB or more. Half is for the current run, which stops recording there; the other half keeps
    /// the newest of the earlier runs. Default 256 MiB.
    /// </summary>
    public long BytesMax { get; init; } = 256L << 20;

    /// <summary>Bytes of inputs that may wait for the disk; beyond it the recording ends, so that consensus never waits. Default 64 MiB.</summary>
    public long QueueBytesMax { get; init; } = 64L << 20;

    /// <summary>For the start time in the file's name and head.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IEnumerable<string> Problems()
    {
        if (Directory.Length == 0) yield return "The directory for recordings has no name.";
        if (BytesMax < 1 << 20) yield return $"{BytesMax} bytes for recordings is too little for the state that each begins with; use {1 << 20} or more.";
        if (QueueBytesMax < 1) yield return $"QueueBytesMax is {QueueBytesMax}; use 1 or more.";
    }
}
