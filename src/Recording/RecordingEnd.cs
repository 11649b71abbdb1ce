namespace Conclave.Recording;

/// <summary>Why a part of a recording ends. The numbers are part of the format.</summary>
public enum RecordingEnd : byte
{
    /// <summary>The process was killed: there is no end.</summary>
    Killed = 0,

    /// <summary>The node stopped in order.</summary>
    Stopped = 1,

    /// <summary>What came next has no room within the bound, not even alone. Another recording begins behind it.</summary>
    TooLarge = 2,

    /// <summary>The disk could not keep up. Another recording begins where it can again.</summary>
    FellBehind = 3,

    /// <summary>The core or its driver failed; the text says how.</summary>
    CoreFailed = 4,

    /// <summary>The next part goes on.</summary>
    Continued = 5,
}
