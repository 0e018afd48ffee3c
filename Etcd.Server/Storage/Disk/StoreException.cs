namespace Etcd.Server.Storage.Disk;

/// <summary>Why a store's folder is refused, or a record of it cannot be read.</summary>
public enum StoreError
{
    /// <summary>Another process, or another member in this one, has the folder.</summary>
    Locked,

    /// <summary>It was written by a version that is not known here.</summary>
    UnknownVersion,

    /// <summary>It belongs to another member or another cluster.</summary>
    Foreign,

    /// <summary>Bytes that were durable are not what they were, or a file is missing.</summary>
    Corrupt,
}

/// <summary>A store's folder is refused, with nothing written to it; or bytes in it are found to be damaged when they are read.</summary>
public sealed class StoreException : IOException
{
    /// <summary>Describes what concerns the folder, or a file as a whole.</summary>
    public StoreException(StoreError error, string message, string file)
        : base($"{message}: {file}")
    {
        Error = error;
        File = file;
    }

    /// <summary>Describes what concerns one place in a file.</summary>
    public StoreException(StoreError error, string message, string file, long offset)
        : base($"{message}: in file '{file}' at position: {offset}")
    {
        Error = error;
        File = file;
        Offset = offset;
    }

    /// <summary>What is wrong.</summary>
    public StoreError Error { get; }

    /// <summary>The path of the file.</summary>
    public string File { get; }

    /// <summary>The position in it, if it is about one place.</summary>
    public long? Offset { get; }
}
