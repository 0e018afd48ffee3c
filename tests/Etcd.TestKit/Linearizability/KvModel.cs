namespace Etcd.TestKit.Linearizability;

/// <summary>
/// What one copy of the store does, one operation after the other: the specification. Steps can be undone, so that a search
/// can go back.
/// </summary>
internal sealed class KvModel(long revision)
{
    private readonly Dictionary<string, KvEntry> _keys = new(StringComparer.Ordinal);

    /// <summary>The revision of the last write.</summary>
    public long Revision { get; private set; } = revision;

    /// <summary>Tells states apart: two equal states have equal fingerprints, and two others almost certainly not.</summary>
    public UInt128 Fingerprint { get; private set; }

    /// <summary>Carries an operation out if its answer, where there is one, is what this state would give.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="undo">What <see cref="Undo"/> needs.</param>
    public bool TryStep(KvOperation operation, out Change undo)
    {
        KvEntry? before = _keys.GetValueOrDefault(operation.Key);
        (KvAnswer answer, KvEntry? after) = Specified(operation, before);
        undo = new Change(operation.Key, before, Revision);
        if (operation.Answer is { } seen && seen != answer)
        {
            return false;
        }

        if (!ReferenceEquals(before, after))
        {
            Set(operation.Key, before, after);
            Revision = answer.Revision;
        }

        return true;
    }

    /// <summary>Takes the last step back.</summary>
    public void Undo(in Change undo)
    {
        Set(undo.Key, _keys.GetValueOrDefault(undo.Key), undo.Before);
        Revision = undo.Revision;
    }

    private (KvAnswer Answer, KvEntry? After) Specified(KvOperation operation, KvEntry? before)
    {
        long next = Revision + 1;
        switch (operation.Kind)
        {
            case KvOperationKind.Get:
                return (new KvAnswer(Revision, true, before), before);
            case KvOperationKind.Put:
                return (new KvAnswer(next, true, null), Written(operation, before, next));
            case KvOperationKind.Delete:
                return before is null
                    ? (new KvAnswer(Revision, false, null), null)
                    : (new KvAnswer(next, true, null), null);
            default:
                return (before?.ModRevision ?? 0) == operation.ExpectedModRevision
                    ? (new KvAnswer(next, true, null), Written(operation, before, next))
                    : (new KvAnswer(Revision, false, before), before);
        }
    }

    private static KvEntry Written(KvOperation operation, KvEntry? before, long revision) =>
        new(operation.Value!, before?.CreateRevision ?? revision, revision, (before?.Version ?? 0) + 1);

    private void Set(string key, KvEntry? before, KvEntry? after)
    {
        Fingerprint ^= Print(key, before) ^ Print(key, after);
        if (after is null)
        {
            _keys.Remove(key);
        }
        else
        {
            _keys[key] = after;
        }
    }

    // A key's last revision, with its create revision and version, says which put wrote it.
    private static UInt128 Print(string key, KvEntry? entry)
    {
        if (entry is null)
        {
            return UInt128.Zero;
        }

        ulong text = Fingerprints.Of(key) ^ (Fingerprints.Of(entry.Value) * 31);
        return new UInt128(
            Fingerprints.Mix(text ^ (ulong)entry.ModRevision),
            Fingerprints.Mix(text + ((ulong)entry.CreateRevision * 1_000_003) + ((ulong)entry.Version * 8191)));
    }

    /// <summary>What one step changed.</summary>
    internal readonly record struct Change(string Key, KvEntry? Before, long Revision);
}
