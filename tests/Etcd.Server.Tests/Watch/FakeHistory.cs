using System.Text;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;

namespace Etcd.Server.Tests.Watch;

/// <summary>
/// A store as simple as can be: every event in a list, every state of every key in another. Writes are visible to readers
/// when <see cref="Commit"/> returns; telling the hub is left to the test, so that it can be late.
/// </summary>
internal sealed class FakeHistory : IEventHistory
{
    private readonly Lock _gate = new();
    private readonly List<StoreEvent> _events = [];
    private readonly Dictionary<string, List<(long Revision, byte[]? Value)>> _states = [];
    private readonly Dictionary<string, KeyValue> _live = [];
    private long _current = 1;
    private long _compacted;

    /// <summary>Called at the beginning of each read of events.</summary>
    public Action? WhenRead { get; set; }

    public int Reads { get; private set; }

    public int PreviousLookups { get; private set; }

    public long CurrentRevision => Volatile.Read(ref _current);

    public long CompactRevision => Volatile.Read(ref _compacted);

    public IReadOnlyList<StoreEvent> AllEvents => _events;

    /// <summary>One revision of puts (with a value) and deletes (null); returns its events.</summary>
    public StoreEvent[] Commit(params (string Key, string? Value)[] changes)
    {
        lock (_gate)
        {
            long revision = _current + 1;
            var events = new List<StoreEvent>();
            foreach ((string key, string? value) in changes)
            {
                if (value is null && !_live.ContainsKey(key))
                {
                    continue;
                }

                events.Add(value is null ? Delete(key, revision, events.Count) : Put(key, value, revision, events.Count));
            }

            if (events.Count > 0)
            {
                _events.AddRange(events);
                Volatile.Write(ref _current, revision);
            }

            return [.. events];
        }
    }

    public void Compact(long revision) => Volatile.Write(ref _compacted, revision);

    public EventReadStatus ReadEvents(long fromRevision, int eventsMax, List<StoreEvent> into, out long nextRevision)
    {
        WhenRead?.Invoke();
        lock (_gate)
        {
            Reads++;
            nextRevision = fromRevision;
            if (fromRevision < _compacted)
            {
                return EventReadStatus.Compacted;
            }

            int begin = into.Count;
            nextRevision = _current + 1;
            foreach (StoreEvent e in _events.Where(e => e.Revision.Main >= fromRevision))
            {
                if (into.Count - begin >= eventsMax && e.Revision.Main != into[^1].Revision.Main)
                {
                    nextRevision = e.Revision.Main;
                    break;
                }

                into.Add(e);
            }

            return EventReadStatus.Ok;
        }
    }

    public ReadOnlyMemory<byte> PreviousKeyValue(ReadOnlySpan<byte> key, long revision)
    {
        lock (_gate)
        {
            PreviousLookups++;
            return revision - 1 < _compacted ? default : StateBefore(Encoding.UTF8.GetString(key), revision);
        }
    }

    /// <summary>What a key held before a revision, compacted or not.</summary>
    public byte[]? StateBefore(string key, long revision) =>
        _states.TryGetValue(key, out List<(long Revision, byte[]? Value)>? states)
            ? states.LastOrDefault(s => s.Revision < revision).Value
            : null;

    private StoreEvent Put(string key, string value, long revision, int sub)
    {
        KeyValue? before = _live.GetValueOrDefault(key);
        var now = new KeyValue
        {
            Key = ByteString.CopyFromUtf8(key),
            Value = ByteString.CopyFromUtf8(value),
            CreateRevision = before?.CreateRevision ?? revision,
            ModRevision = revision,
            Version = (before?.Version ?? 0) + 1,
        };
        _live[key] = now;
        Remember(key, revision, now.ToByteArray());
        return new StoreEvent(StoreEventType.Put, new Revision(revision, sub), Encoding.UTF8.GetBytes(key), now.ToByteArray(), before is null);
    }

    private StoreEvent Delete(string key, long revision, int sub)
    {
        _live.Remove(key);
        Remember(key, revision, null);
        var gone = new KeyValue { Key = ByteString.CopyFromUtf8(key), ModRevision = revision };
        return new StoreEvent(StoreEventType.Delete, new Revision(revision, sub), Encoding.UTF8.GetBytes(key), gone.ToByteArray(), false);
    }

    private void Remember(string key, long revision, byte[]? value)
    {
        if (!_states.TryGetValue(key, out List<(long Revision, byte[]? Value)>? states))
        {
            _states[key] = states = [];
        }

        states.Add((revision, value));
    }
}
