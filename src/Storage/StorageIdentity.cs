namespace Conclave.Storage;

/// <summary>Whose data a directory holds. Written when the directory is formatted and never changed.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="NodeId">The member of it.</param>
/// <param name="Incarnation">Drawn at random at format time, so that a member that comes back with an empty disk is known to be a new one.</param>
public sealed record StorageIdentity(ulong ClusterId, ulong NodeId, Guid Incarnation);
