namespace Etcd.Server.Io;

/// <summary>
/// The rule that a failed sync is final, in one place for every <see cref="IDataFile"/>: <see cref="Poison"/> once,
/// <see cref="Check"/> before each write and sync.
/// </summary>
internal struct SyncGuard
{
    private volatile bool _poisoned;

    public readonly bool IsPoisoned => _poisoned;

    public void Poison() => _poisoned = true;

    public readonly void Check(string operation, string path)
    {
        if (_poisoned)
        {
            throw new FileSystemException(FileSystemError.Poisoned, operation, path, "an earlier sync of this file failed");
        }
    }
}
