using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <summary>
/// What the lease room needs from the store: to delete the keys of a lease that ends. Declared here so that the lease
/// room does not know the store; the apply room implements it.
/// </summary>
public interface ILeasedKeyDeleter
{
    /// <summary>
    /// Deletes the keys in the command that is being applied, all at one revision, in the given order. Keys that no longer
    /// exist are passed over.
    /// </summary>
    /// <param name="lease">The lease that ends.</param>
    /// <param name="sortedKeys">Its keys in ascending byte order, so that every member gives each the same sub revision.</param>
    void DeleteKeys(LeaseId lease, IReadOnlyList<ReadOnlyMemory<byte>> sortedKeys);
}

/// <summary>
/// What the store tells the lease room while a command is applied: which key belongs to which lease. Implemented by the
/// lease room, called by the apply thread only.
/// </summary>
public interface ILeaseAttachments
{
    /// <summary>Whether the lease exists in the applied state.</summary>
    bool Exists(LeaseId lease);

    /// <summary>The key belongs to the lease from now on.</summary>
    void Attach(LeaseId lease, ReadOnlyMemory<byte> key);

    /// <summary>The key no longer belongs to the lease.</summary>
    void Detach(LeaseId lease, ReadOnlyMemory<byte> key);
}
