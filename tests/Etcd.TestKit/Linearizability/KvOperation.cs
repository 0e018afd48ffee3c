namespace Etcd.TestKit.Linearizability;

/// <summary>What a client asks for.</summary>
public enum KvOperationKind
{
    /// <summary>A linearizable read of one key.</summary>
    Get,

    /// <summary>A put.</summary>
    Put,

    /// <summary>A delete of one key.</summary>
    Delete,

    /// <summary>A transaction: if the key's mod_revision is the expected one then put, else get.</summary>
    CompareAndPut,
}

/// <summary>One key as a client sees it.</summary>
/// <param name="Value">The value.</param>
/// <param name="CreateRevision">The revision of its first put since it was last missing.</param>
/// <param name="ModRevision">The revision of its last put.</param>
/// <param name="Version">Puts since it was last missing.</param>
public sealed record KvEntry(string Value, long CreateRevision, long ModRevision, long Version);

/// <summary>An answer.</summary>
/// <param name="Revision">The header's revision.</param>
/// <param name="Done">Whether a delete found its key, or a transaction's comparison held; true for the others.</param>
/// <param name="Found">What a get, or a transaction whose comparison did not hold, read; null if the key is missing.</param>
public sealed record KvAnswer(long Revision, bool Done, KvEntry? Found);

/// <summary>One call of a client, as it was seen from outside.</summary>
/// <param name="Kind">What was asked for.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">What a put writes; no two operations of a history write the same.</param>
/// <param name="ExpectedModRevision">What a transaction compares with; 0 for a missing key.</param>
/// <param name="Invoked">When the call began, on the history's one clock.</param>
/// <param name="Returned">When the answer was there; null if none came: it may have been carried out, or will be, or never.</param>
/// <param name="Answer">The answer; null if none came.</param>
public sealed record KvOperation(
    KvOperationKind Kind,
    string Key,
    string? Value,
    long ExpectedModRevision,
    long Invoked,
    long? Returned,
    KvAnswer? Answer)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kind} {Key} {Value} expected={ExpectedModRevision} [{Invoked}, {Returned?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}] -> {Answer}";
}

/// <summary>One write as a watch tells of it.</summary>
/// <param name="Revision">Its revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">What was put; null for a delete.</param>
public sealed record KvEvent(long Revision, string Key, string? Value);
