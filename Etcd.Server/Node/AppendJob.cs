using System.Runtime.InteropServices;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// What one <see cref="Ready"/> wants written, and what may leave when it is. Filled by the owner, read by the log thread,
/// given back to the owner; never in two hands.
/// </summary>
internal sealed class AppendJob
{
    // What is usual fits this; a job that a large batch once blew up does not stay large.
    private const int CapacityKept = 8192;

    private readonly List<Entry> _entries = [];

    public HardState? HardState { get; private set; }

    public Snapshot? Snapshot { get; private set; }

    /// <summary>The received file that holds <see cref="Snapshot"/>.</summary>
    public string? File { get; private set; }

    public ReadOnlySpan<Entry> Entries => CollectionsMarshal.AsSpan(_entries);

    public List<Message> After { get; } = [];

    public bool MustSync { get; private set; }

    public void Fill(Ready ready, string? file)
    {
        HardState = ready.HardState;
        Snapshot = ready.Snapshot;
        File = file;
        _entries.AddRange(ready.Entries);
        After.AddRange(ready.MessagesAfterAppend);
        MustSync = ready.MustSync;
    }

    public void Clear()
    {
        HardState = null;
        Snapshot = null;
        File = null;
        MustSync = false;
        _entries.Clear();
        After.Clear();
        if (_entries.Capacity > CapacityKept)
        {
            _entries.Capacity = 0;
        }
    }
}
