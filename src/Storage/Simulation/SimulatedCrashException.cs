namespace Conclave.Storage;

/// <summary>The simulated machine has no power, or the handle belongs to a process that died. The code under test sees a failing disk.</summary>
public sealed class SimulatedCrashException(string path) : FileSystemException(FileError.Io, path, "the simulated machine is down");
