namespace Etcd.Server.Wal;

/// <summary>Why a log cannot be opened or read.</summary>
public enum WalError
{
    /// <summary>A record's checksum does not fit its content or the chain before it.</summary>
    CrcMismatch,

    /// <summary>Bytes that no writer of this format leaves behind, other than by a torn last write.</summary>
    Malformed,

    /// <summary>Two segments name different members or clusters.</summary>
    MetadataConflict,

    /// <summary>The log has the snapshot's index with another term.</summary>
    SnapshotMismatch,

    /// <summary>The log has no record of the snapshot that it was to be read from.</summary>
    SnapshotNotFound,

    /// <summary>Entries are missing between the snapshot and an entry, or between two entries.</summary>
    SliceOutOfRange,

    /// <summary>The directory holds no segment, or none that goes back far enough.</summary>
    FileNotFound,

    /// <summary>The segments' sequence numbers have a gap.</summary>
    SequenceGap,

    /// <summary>Another process, or another open log, holds a segment.</summary>
    Locked,

    /// <summary>There is a log already where one was to be created.</summary>
    AlreadyExists,
}

/// <summary>
/// A log is refused. Nothing has been written to it: what is on disk is as it was found, for whoever repairs it.
/// </summary>
public sealed class WalException : IOException
{
    /// <summary>Describes a refusal that is about the log as a whole.</summary>
    public WalException(WalError error, string message)
        : base(message) => Error = error;

    /// <summary>Describes a refusal that is about one place in a file.</summary>
    public WalException(WalError error, string message, string file, long offset)
        : base($"{message}: in file '{file}' at position: {offset}")
    {
        Error = error;
        File = file;
        Offset = offset;
    }

    /// <summary>What is wrong.</summary>
    public WalError Error { get; }

    /// <summary>The path of the file in which it was found, if it is about one place.</summary>
    public string? File { get; }

    /// <summary>The position in <see cref="File"/> of the record's frame.</summary>
    public long? Offset { get; }
}
