namespace Etcd.TestKit.Disk;

/// <summary>
/// A simulated directory: the names that the processes see, those that are certainly on the disk, and the changes
/// between. A node is a <see cref="SimInode"/> or a <see cref="SimDirectory"/>.
/// </summary>
internal sealed class SimDirectory
{
    private readonly SortedDictionary<string, object> _durable = new(StringComparer.Ordinal);
    private readonly List<NameChange> _unsynced = [];

    public SortedDictionary<string, object> Names { get; } = new(StringComparer.Ordinal);

    public void Change(NameChange change)
    {
        change.ApplyTo(Names, this);
        _unsynced.Add(change);
    }

    /// <summary>An entry that was never unsynced: part of an image.</summary>
    public void AddDurable(string name, object node)
    {
        Names.Add(name, node);
        _durable.Add(name, node);
    }

    public void Sync()
    {
        foreach (NameChange change in _unsynced)
        {
            change.ApplyTo(_durable, this);
        }

        _unsynced.Clear();
    }

    /// <summary>
    /// The directory as it is after a power failure now: any of the unsynced changes may be there and any not, but each
    /// as a whole.
    /// </summary>
    public SimDirectory Survivor(Random random, CrashKind kind, Func<NameChange, bool> survives)
    {
        SortedDictionary<string, object> names = new(_durable, StringComparer.Ordinal);
        foreach (NameChange change in _unsynced)
        {
            if (survives(change))
            {
                change.ApplyTo(names, this);
            }
        }

        SimDirectory survivor = new();
        foreach ((string name, object node) in names)
        {
            survivor.AddDurable(name, node switch
            {
                SimInode file => new SimInode(file.Survivor(random, kind)),
                _ => ((SimDirectory)node).Survivor(random, kind, survives),
            });
        }

        return survivor;
    }
}

/// <summary>One atomic change of names: removed from one place, set in another, or both (a rename).</summary>
internal sealed record NameChange(SimDirectory? From, string? OldName, SimDirectory? To, string? NewName, object? Node)
{
    public void ApplyTo(SortedDictionary<string, object> names, SimDirectory directory)
    {
        if (ReferenceEquals(From, directory))
        {
            names.Remove(OldName!);
        }

        if (ReferenceEquals(To, directory))
        {
            names[NewName!] = Node!;
        }
    }
}
