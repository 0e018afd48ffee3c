using System.Runtime.InteropServices;
using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// The events of one response: whole revisions in order, after filtering. Immutable, and shared by all watchers that get
/// the same ones.
/// </summary>
internal sealed class EventRun
{
    // Beyond this an event's own bytes are what a copy costs, and to hold them twice would buy nothing.
    private const int EncodedBytesPerEventMax = 4096;

    // Large arrays are collected with the oldest only.
    private const int EncodedBytesMax = 1024 * 1024;

    private byte[]? _encoded;
    private bool _written;

    private EventRun(WatchEvent[] events, bool withPrevious, int encodedSize)
    {
        Events = events;
        WithPrevious = withPrevious;
        EncodedSize = encodedSize;
    }

    public WatchEvent[] Events { get; }

    public bool WithPrevious { get; }

    /// <summary>Bytes in a response, tags and lengths included.</summary>
    public int EncodedSize { get; }

    public long FirstRevision => Events[0].Revision;

    public long LastRevision => Events[^1].Revision;

    /// <summary>
    /// The events as they stand in a response, encoded once for all who get them; null if it is better to write them one by one: for the
    /// first who gets them, as most have one watcher, and if they are large. Any thread.
    /// </summary>
    /// <param name="uses">How many responses the caller makes of it.</param>
    public byte[]? EncodedFor(int uses)
    {
        byte[]? encoded = Volatile.Read(ref _encoded);
        if (encoded is not null || EncodedSize > EncodedBytesMax || EncodedSize > (long)Events.Length * EncodedBytesPerEventMax)
        {
            return encoded;
        }

        if (uses == 1 && !Volatile.Read(ref _written))
        {
            Volatile.Write(ref _written, true);
            return null;
        }

        // Two threads may both make it; the results are equal.
        encoded = new byte[EncodedSize];
        var wire = new WatchWire(encoded);
        foreach (WatchEvent e in Events)
        {
            e.WriteTo(ref wire, WithPrevious);
        }

        Volatile.Write(ref _encoded, encoded);
        return encoded;
    }

    public static int SizeInResponse(WatchEvent e, bool withPrevious) => WatchWire.FieldSize(e.EncodedSize(withPrevious));

    /// <summary>
    /// Cuts what a watcher wants out of <paramref name="matched"/> into responses of about <paramref name="bytesMax"/>. A
    /// revision is never divided: a client that reconnects between two responses goes on at the revision after the last one
    /// it saw, and would miss the rest.
    /// </summary>
    public static void Build(
        List<WatchEvent> matched, long minRevision, WatchFilters filters, bool withPrevious, IEventHistory history, int bytesMax, List<EventRun> into)
    {
        int start = 0;
        int boundary = 0;
        long bytes = 0;
        long bytesAtBoundary = 0;
        List<WatchEvent> wanted = Select(matched, minRevision, filters);
        if (withPrevious)
        {
            wanted = LoadPrevious(wanted, history);
        }

        for (int i = 0; i < wanted.Count; i++)
        {
            WatchEvent e = wanted[i];
            if (i > start && e.Revision != wanted[i - 1].Revision)
            {
                boundary = i;
                bytesAtBoundary = bytes;
            }

            bytes += SizeInResponse(e, withPrevious);
            if (bytes > bytesMax && boundary > start)
            {
                into.Add(Cut(wanted, start, boundary, withPrevious, bytesAtBoundary));
                bytes -= bytesAtBoundary;
                start = boundary;
            }
        }

        if (start < wanted.Count)
        {
            into.Add(Cut(wanted, start, wanted.Count, withPrevious, bytes));
        }
    }

    private static List<WatchEvent> Select(List<WatchEvent> matched, long minRevision, WatchFilters filters)
    {
        if (filters == WatchFilters.None && matched[0].Revision >= minRevision)
        {
            return matched;
        }

        return matched.FindAll(e => e.Revision >= minRevision && !e.IsLeftOutBy(filters));
    }

    /// <summary>
    /// Looks the previous values up. One that an earlier watcher was given and that is compacted since is left out, as in etcd: what a
    /// watcher gets must not depend on who watched before.
    /// </summary>
    private static List<WatchEvent> LoadPrevious(List<WatchEvent> events, IEventHistory history)
    {
        long compacted = history.CompactRevision;
        List<WatchEvent>? changed = null;
        for (int i = 0; i < events.Count; i++)
        {
            WatchEvent e = events[i];
            e.LoadPrevious(history);
            if (e.HasPrevious && e.Revision - 1 < compacted)
            {
                changed ??= [.. events];
                changed[i] = e.WithoutPrevious();
            }
        }

        return changed ?? events;
    }

    private static EventRun Cut(List<WatchEvent> events, int start, int end, bool withPrevious, long bytes) =>
        new(CollectionsMarshal.AsSpan(events)[start..end].ToArray(), withPrevious, checked((int)bytes));
}
