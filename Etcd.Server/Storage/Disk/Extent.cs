using Etcd.Server.Io;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Where a run of records stands in a segment file: the records' bytes one behind the other, and behind them their index
/// (<see cref="ExtentIndex"/>). Every page of the records is checked against its CRC whenever it is read from the disk.
/// Any thread.
/// </summary>
internal sealed class Extent
{
    private readonly PageCache _cache;
    private readonly uint[] _crcs;
    private readonly PageCache.Page?[] _pages;

    /// <summary>Describes a run that is in the file.</summary>
    public Extent(PageCache cache, StoreFile file, ExtentPlace place, uint[] pageCrcs)
    {
        _cache = cache;
        _crcs = pageCrcs;
        _pages = new PageCache.Page?[pageCrcs.Length];
        File = file;
        Place = place;
    }

    /// <summary>The file.</summary>
    public StoreFile File { get; }

    /// <summary>Where in it.</summary>
    public ExtentPlace Place { get; }

    /// <summary>Bytes of memory that it takes beside the cache.</summary>
    public long ReservedBytes => _crcs.Length * 12L;

    /// <summary>The CRCs of a run's pages.</summary>
    public static uint[] PageCrcs(ReadOnlySpan<byte> data)
    {
        var crcs = new uint[(data.Length + StoreFormat.PageBytes - 1) / StoreFormat.PageBytes];
        for (int page = 0; page < crcs.Length; page++)
            crcs[page] = Crc32C.Append(0, PageOf(data, page));

        return crcs;
    }

    /// <summary>Reads a piece, from the cache where it can.</summary>
    /// <param name="offset">Where it begins in the records' bytes.</param>
    /// <param name="length">How long it is.</param>
    public ReadOnlyMemory<byte> Read(int offset, int length)
    {
        if (length == 0)
            return default;

        int first = offset / StoreFormat.PageBytes;
        int last = (offset + length - 1) / StoreFormat.PageBytes;
        int inFirst = offset - (first * StoreFormat.PageBytes);
        if (first == last)
            return ReadPage(first).AsMemory(inFirst, length);

        if (last == first + 1)
        {
            var both = new byte[length];
            ReadOnlySpan<byte> head = ReadPage(first).AsSpan(inFirst);
            head.CopyTo(both);
            ReadPage(last).AsSpan(0, length - head.Length).CopyTo(both.AsSpan(head.Length));
            return both;
        }

        // A large record: one read, and nothing of it in the cache.
        int end = Math.Min((last + 1) * StoreFormat.PageBytes, Place.DataBytes);
        byte[] pages = GC.AllocateUninitializedArray<byte>(end - (first * StoreFormat.PageBytes));
        ReadPages(first, pages);
        return pages.AsMemory(inFirst, length);
    }

    /// <summary>Reads the index behind the records and checks it. Damage is the caller's to report.</summary>
    /// <param name="buffer">Replaced by a larger one where needed.</param>
    /// <exception cref="StoreException">It is damaged.</exception>
    public void CheckIndex(ref byte[] buffer)
    {
        if (buffer.Length < Place.IndexBytes)
            buffer = GC.AllocateUninitializedArray<byte>(Place.IndexBytes);

        Span<byte> index = buffer.AsSpan(0, Place.IndexBytes);
        File.ReadExactly(index, Place.Offset + Place.DataBytes);
        if (Crc32C.Append(0, index) != Place.IndexCrc)
            throw new StoreException(StoreError.Corrupt, "store: checksum mismatch of an index", File.Path, Place.Offset + Place.DataBytes);
    }

    /// <summary>Reads all of it, past the cache.</summary>
    /// <param name="into">Room for <see cref="ExtentPlace.DataBytes"/>.</param>
    public void ReadAll(Span<byte> into) => ReadPages(0, into);

    /// <summary>A page from the cache; null if it is not there.</summary>
    public byte[]? TryGetPage(int number)
    {
        if (Volatile.Read(ref _pages[number]) is not { } page)
            return null;

        if (!page.WasUsed)
            page.WasUsed = true;

        return page.Bytes;
    }

    /// <summary>Reads pages, past the cache and without looking at them: see <see cref="Check"/>.</summary>
    /// <param name="first">The first.</param>
    /// <param name="into">Room for whole pages; of the last one of all for what it has.</param>
    /// <exception cref="StoreException">The file is too short; reported.</exception>
    public void ReadUnchecked(int first, Span<byte> into)
    {
        try
        {
            File.ReadExactly(into, OffsetOf(first));
        }
        catch (StoreException e)
        {
            throw Reported(e);
        }
    }

    /// <summary>Checks a page that was read.</summary>
    /// <exception cref="StoreException">It is not what was written; reported.</exception>
    public void Check(int number, ReadOnlySpan<byte> page)
    {
        try
        {
            Verify(number, page);
        }
        catch (StoreException e)
        {
            throw Reported(e);
        }
    }

    /// <summary>Gives a page that was read and checked to the cache.</summary>
    public void Keep(int number, byte[] bytes) => _cache.Add(new PageCache.Page(this, number, bytes));

    /// <summary>For the cache: puts a page at its place, unless there is one.</summary>
    public bool TryPlace(PageCache.Page page) => Interlocked.CompareExchange(ref _pages[page.Number], page, null) is null;

    /// <summary>For the cache: lets go of a page.</summary>
    public void Forget(PageCache.Page page) => Volatile.Write(ref _pages[page.Number], null);

    /// <summary>A page of bytes that begin with a page.</summary>
    public static ReadOnlySpan<byte> PageOf(ReadOnlySpan<byte> data, int page)
    {
        int start = page * StoreFormat.PageBytes;
        return data.Slice(start, Math.Min(StoreFormat.PageBytes, data.Length - start));
    }

    private long OffsetOf(int page) => Place.Offset + ((long)page * StoreFormat.PageBytes);

    private byte[] ReadPage(int number)
    {
        if (TryGetPage(number) is { } page)
            return page;

        int start = number * StoreFormat.PageBytes;
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Math.Min(StoreFormat.PageBytes, Place.DataBytes - start));
        ReadPages(number, bytes);
        Keep(number, bytes);
        return bytes;
    }

    // Whoever reads gets the error, and it is told to those who can mend it.
    private void ReadPages(int first, Span<byte> into)
    {
        try
        {
            CheckPages(first, into);
        }
        catch (StoreException e)
        {
            throw Reported(e);
        }
    }

    /// <summary>Reads pages past the cache, and checks them. Damage is the caller's to report.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="into">Room for whole pages, or up to the end of the records.</param>
    /// <exception cref="StoreException">Names the first page that is damaged.</exception>
    public void CheckPages(int first, Span<byte> into)
    {
        File.ReadExactly(into, OffsetOf(first));
        for (int page = 0; page * StoreFormat.PageBytes < into.Length; page++)
            Verify(first + page, PageOf(into, page));
    }

    private StoreException Reported(StoreException damage)
    {
        _cache.Damages.Report(damage, isLost: true);
        return damage;
    }

    private void Verify(int number, ReadOnlySpan<byte> page)
    {
        if (Crc32C.Append(0, page) != _crcs[number])
            throw new StoreException(StoreError.Corrupt, "store: checksum mismatch of a page of records", File.Path, OffsetOf(number));
    }
}

/// <summary>A run's place in its file, as the manifest says it.</summary>
/// <param name="Offset">Where the records begin.</param>
/// <param name="DataBytes">Their bytes.</param>
/// <param name="IndexBytes">The bytes of the index behind them.</param>
/// <param name="IndexCrc">CRC-32C of the index, which holds the CRCs of the records' pages.</param>
internal readonly record struct ExtentPlace(long Offset, int DataBytes, int IndexBytes, uint IndexCrc);
