namespace Conclave.Recording;

/// <summary>Where to record and how much.</summary>
public sealed record RecorderOptions
{
    /// <summary>Made if it is not there. Nothing else should be in it.</summary>
    public required string Directory { get; init; }

    /// <summary>Bytes of all recordings of one node in the directory, 1 MiB or more; the oldest parts go when there are more. Default 256 MiB.</summary>
    public long BytesMax { get; init; } = 256L << 20;

    /// <summary>Bytes of inputs that may wait for the disk; beyond it the recording ends and another begins later, so that consensus never waits. Default 64 MiB.</summary>
    public long QueueBytesMax { get; init; } = 64L << 20;

    /// <summary>From the end of a recording that could not go on to the beginning of the next. Default 30 s.</summary>
    public TimeSpan PauseLength { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For the times in names and heads of files, and for pauses.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>A part ends when it has so many bytes of inputs, and as many as its saved core: with an eighth, seven eighths or so of what may be kept are there, whenever somebody looks.</summary>
    internal long PartBytes { get => field > 0 ? field : BytesMax / 8; init; }

    public IEnumerable<string> Problems()
    {
        if (Directory.Length == 0) yield return "The directory for recordings has no name.";
        if (BytesMax < 1 << 20) yield return $"{BytesMax} bytes for recordings is too little for the state that each begins with; use {1 << 20} or more.";
        if (QueueBytesMax < 1) yield return $"QueueBytesMax is {QueueBytesMax}; use 1 or more.";
        if (PauseLength <= TimeSpan.Zero) yield return $"PauseLength is {PauseLength}; use more than zero.";
    }
}
