using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Simulation.Checkers;

/// <summary>What a command must have led to.</summary>
/// <param name="Revision">The store's revision afterwards.</param>
/// <param name="Succeeded">Of a transaction: which branch ran.</param>
/// <param name="Deleted">Of a delete: how many keys went.</param>
/// <param name="Error">Why it was refused; null if it was not.</param>
internal readonly record struct ModelOutcome(long Revision, bool Succeeded, long Deleted, EtcdError? Error);

/// <summary>One version of a key; a value of null is a deletion.</summary>
internal readonly record struct ModelVersion(long Modified, long Created, long Version, string? Value, long Lease);

/// <summary>
/// The store as simply as it can be said: every version of every key in a list, never compacted. Written from etcd's
/// documented behaviour and not from the server's code, of the commands that the simulated clients send.
/// </summary>
internal sealed class KvModel
{
    private readonly SortedDictionary<string, List<ModelVersion>> _keys = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, SortedSet<string>> _leases = [];

    /// <summary>The revision; 1 before the first write.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>The last compaction.</summary>
    public long CompactRevision { get; private set; } = -1;

    /// <summary>The leases that exist.</summary>
    public IReadOnlyCollection<long> Leases => _leases.Keys;

    /// <summary>The keys that exist now, with their version.</summary>
    public IEnumerable<(string Key, ModelVersion Version)> Live =>
        _keys.Where(static k => k.Value[^1].Value is not null).Select(static k => (k.Key, k.Value[^1]));

    /// <summary>The version of a key that was there at a revision; null if there was none.</summary>
    public ModelVersion? At(string key, long revision)
    {
        if (!_keys.TryGetValue(key, out List<ModelVersion>? versions))
        {
            return null;
        }

        for (int i = versions.Count - 1; i >= 0; i--)
        {
            if (versions[i].Modified <= revision)
            {
                return versions[i].Value is null ? null : versions[i];
            }
        }

        return null;
    }

    /// <summary>Applies one command.</summary>
    public ModelOutcome Apply(InternalRaftRequest command)
    {
        if (command.Put is { } put)
        {
            return Put(put);
        }

        if (command.DeleteRange is { } delete)
        {
            return Delete([delete.Key.ToStringUtf8()]);
        }

        if (command.Txn is { } txn)
        {
            return Txn(txn);
        }

        if (command.Compaction is { } compaction)
        {
            return Compact(compaction.Revision);
        }

        if (command.LeaseGrant is { } grant)
        {
            return _leases.TryAdd(grant.ID, new SortedSet<string>(StringComparer.Ordinal)) ? Done() : Refused(EtcdErrors.LeaseExists);
        }

        return command.LeaseRevoke is { } revoke ? Revoke(revoke.ID) : Done();
    }

    private ModelOutcome Put(PutRequest put)
    {
        if (put.Lease != 0 && !_leases.ContainsKey(put.Lease))
        {
            return Refused(EtcdErrors.LeaseNotFound);
        }

        string key = put.Key.ToStringUtf8();
        Revision++;
        ModelVersion? before = At(key, Revision);
        Detach(key, before);
        Add(key, new ModelVersion(
            Revision, before?.Created ?? Revision, (before?.Version ?? 0) + 1, put.Value.ToStringUtf8(), put.Lease));
        if (put.Lease != 0)
        {
            _leases[put.Lease].Add(key);
        }

        return Done();
    }

    private ModelOutcome Delete(IReadOnlyCollection<string> keys)
    {
        string[] there = [.. keys.Where(key => At(key, Revision) is not null)];
        if (there.Length == 0)
        {
            return Done();
        }

        Revision++;
        foreach (string key in there)
        {
            Detach(key, At(key, Revision));
            Add(key, new ModelVersion(Revision, 0, 0, null, 0));
        }

        return Done() with { Deleted = there.Length };
    }

    /// <summary>The one kind that the clients send: if the key was last changed at a revision, put it.</summary>
    private ModelOutcome Txn(TxnRequest txn)
    {
        Compare compare = txn.Compare[0];
        bool holds = (At(compare.Key.ToStringUtf8(), Revision)?.Modified ?? 0) == compare.ModRevision;
        if (holds)
        {
            Put(txn.Success[0].RequestPut);
        }

        return Done() with { Succeeded = holds };
    }

    private ModelOutcome Compact(long revision)
    {
        if (revision <= CompactRevision)
        {
            return Refused(EtcdErrors.Compacted);
        }

        if (revision > Revision)
        {
            return Refused(EtcdErrors.FutureRevision);
        }

        CompactRevision = revision;
        return Done();
    }

    private ModelOutcome Revoke(long lease)
    {
        if (!_leases.Remove(lease, out SortedSet<string>? keys))
        {
            return Refused(EtcdErrors.LeaseNotFound);
        }

        return Delete(keys);
    }

    private void Detach(string key, ModelVersion? before)
    {
        if (before is { Lease: not 0 } old && _leases.TryGetValue(old.Lease, out SortedSet<string>? keys))
        {
            keys.Remove(key);
        }
    }

    private void Add(string key, ModelVersion version)
    {
        if (!_keys.TryGetValue(key, out List<ModelVersion>? versions))
        {
            _keys.Add(key, versions = []);
        }

        versions.Add(version);
    }

    private ModelOutcome Done() => new(Revision, false, 0, null);

    private ModelOutcome Refused(EtcdError error) => new(Revision, false, 0, error);
}
