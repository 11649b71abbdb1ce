namespace Conclave.Recording;

/// <summary>A recording cannot be read or replayed; the message says where and what to do.</summary>
public sealed class RecordingException(string message, Exception? cause = null) : Exception(message, cause);
