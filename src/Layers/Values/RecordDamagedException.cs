namespace Conclave.Layers;

/// <summary>Bytes that should be a record of this library are not one. Nothing was changed.</summary>
public sealed class RecordDamagedException(string message) : Exception(message);
