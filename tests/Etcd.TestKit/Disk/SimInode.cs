namespace Etcd.TestKit.Disk;

/// <summary>
/// The content of a simulated file: what readers see, what is certainly on the disk, and the changes between the two.
/// </summary>
internal sealed class SimInode
{
    private readonly List<Change> _unsynced = [];
    private byte[] _durable = [];

    public SimInode()
    {
    }

    public SimInode(byte[] content)
    {
        Content = content;
        _durable = [.. content];
    }

    public byte[] Content { get; private set; } = [];

    public object? LockHolder { get; set; }

    public long Length => Content.Length;

    public void Write(ReadOnlySpan<byte> data, long offset)
    {
        int end = checked((int)(offset + data.Length));
        byte[] next = Content.Length >= end ? Content : Resized(Content, end);
        data.CopyTo(next.AsSpan((int)offset));
        Content = next;
        _unsynced.Add(new Change(offset, data.ToArray(), null));
    }

    public void SetLength(long length)
    {
        Content = Resized(Content, length);
        _unsynced.Add(new Change(0, [], length));
    }

    public void Sync()
    {
        if (_unsynced.Count == 0)
        {
            return;
        }

        foreach (Change change in _unsynced)
        {
            _durable = change.ApplyInPlace(_durable);
        }

        _unsynced.Clear();
    }

    /// <summary>
    /// The kernel's behaviour after a failed write-back: some of the pages are on the disk, and none counts as dirty any
    /// more, so that no later sync will write the others.
    /// </summary>
    public void FailSync(Random random)
    {
        _durable = Survivor(random, CrashKind.Torn);
        _unsynced.Clear();
    }

    /// <summary>A direct change of what is on the disk, as decay makes it.</summary>
    public void Damage(long offset, byte value)
    {
        Content[offset] = value;
        _durable[offset] = value;
    }

    /// <summary>
    /// What is on the disk after a power failure now. Each sector has its own state of some moment since the last sync,
    /// independently of the others, and so has the length.
    /// </summary>
    public byte[] Survivor(Random random, CrashKind kind)
    {
        if (kind == CrashKind.NothingUnsynced || _unsynced.Count == 0)
        {
            return [.. _durable];
        }

        if (kind == CrashKind.EverythingUnsynced)
        {
            return [.. Content];
        }

        return Torn(random);
    }

    private byte[] Torn(Random random)
    {
        List<byte[]> moments = [_durable];
        foreach (Change change in _unsynced)
        {
            moments.Add(change.ApplyTo(moments[^1]));
        }

        byte[] result = new byte[moments[random.Next(moments.Count)].Length];
        for (int at = 0; at < result.Length; at += SimDisk.SectorBytes)
        {
            byte[] moment = moments[random.Next(moments.Count)];
            int count = Math.Min(SimDisk.SectorBytes, Math.Min(result.Length, moment.Length) - at);
            if (count > 0)
            {
                moment.AsSpan(at, count).CopyTo(result.AsSpan(at));
            }
        }

        return result;
    }

    private static byte[] Resized(byte[] content, long length)
    {
        byte[] next = new byte[length];
        content.AsSpan(0, (int)Math.Min(content.Length, length)).CopyTo(next);
        return next;
    }

    private readonly record struct Change(long Offset, byte[] Data, long? NewLength)
    {
        public byte[] ApplyTo(byte[] before)
        {
            byte[] after = Resized(before, NewLength ?? Math.Max(before.Length, Offset + Data.Length));
            Data.CopyTo(after.AsSpan((int)Offset));
            return after;
        }

        /// <summary>The same without a copy where the length stays.</summary>
        public byte[] ApplyInPlace(byte[] before)
        {
            if (NewLength is { } length ? length != before.Length : Offset + Data.Length > before.Length)
            {
                return ApplyTo(before);
            }

            Data.CopyTo(before.AsSpan((int)Offset));
            return before;
        }
    }
}
