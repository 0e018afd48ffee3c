using Etcd.Protocol.Etcdserverpb;
using Etcd.Simulation.Engine;
using Google.Protobuf;
using static Etcd.Behaviour.Cases.Requests;
using static Etcd.Protocol.Etcdserverpb.Compare.Types;
using static Etcd.Protocol.Etcdserverpb.RangeRequest.Types;
using static Etcd.Protocol.Etcdserverpb.WatchCreateRequest.Types;

namespace Etcd.Behaviour.Fuzz;

/// <summary>
/// Draws a sequence from a seed: few keys, so that requests meet; revisions around those that the sequence makes; and among all that
/// is valid something that is not. Left out is what ends or confuses the reference: an undefined sort target and, in a transaction,
/// a put that keeps what a delete before it takes away.
/// </summary>
internal sealed class SequenceGenerator(ulong seed)
{
    private const int NestingMax = 3;

    private static readonly string[] Keys = ["a", "b", "c", "ab", "a\0", "d", "\xff"];
    private static readonly string[] Ends = ["a", "b", "c", "d", "\0", "z", "\xff"];
    private static readonly string[] Values = ["", "x", "y", "z", "xx"];
    private static readonly long[] Leases = [1, 2, 3, -4];

    private readonly SimRandom _random = new(seed);
    private int _writes;

    public IReadOnlyList<Step> Draw()
    {
        int length = _random.Next(8, 45);
        var steps = new List<Step>(length);
        for (int i = 0; i < length; i++)
        {
            steps.Add(DrawStep());
        }

        return steps;
    }

    private Step DrawStep() => _random.Next(100) switch
    {
        < 24 => new Ask(Wrote(Put(ignores: true))),
        < 33 => new Ask(Wrote(Delete(wellFormed: false))),
        < 50 => new Ask(Range()),
        < 68 => new Ask(Wrote(Txn(0, ignores: _random.Chance(0.4)))),
        < 72 => new Ask(Compact(Revision())),
        < 76 => new Ask(Grant(_random.Pick(Leases), Ttl())),
        < 78 => new Ask(Wrote(Revoke(Lease()))),
        < 80 => new Ask(TimeToLive(Lease(), _random.Chance(0.7))),
        < 81 => new Ask(KeepAlive(Lease())),
        < 82 => new Ask(Cases.Requests.Leases()),
        < 92 => new CreateWatch(_random.Next(2), Watch()),
        < 95 => new CancelWatch(_random.Next(2), _random.Next(4)),
        _ => new AskProgress(_random.Next(2)),
    };

    private T Wrote<T>(T request)
    {
        _writes++;
        return request;
    }

    private string Key() => _random.Chance(0.02) ? "" : _random.Pick(Keys);

    private string End() => _random.Chance(0.45) ? "" : _random.Pick(Ends);

    private long Lease() => _random.Chance(0.1) ? 99 : _random.Pick(Leases);

    private long Ttl() => _random.Next(20) switch
    {
        0 => 9_000_000_001,
        1 => 0,
        2 => -5,
        3 => 9_000_000_000,
        _ => 1000 + _random.Next(1000),
    };

    /// <summary>Mostly one that exists.</summary>
    private long Revision() => _random.Next(20) switch
    {
        0 => At(_writes + _random.Next(1, 9)),
        1 => -1,
        2 => 1,
        _ => At(_random.Next(1, Math.Max(2, _writes + 1))),
    };

    private PutRequest Put(bool ignores) => Cases.Requests.Put(Key(), _random.Pick(Values), _random.Chance(0.25) ? Lease() : 0, r =>
    {
        r.PrevKv = _random.Chance(0.3);
        if (ignores && _random.Chance(0.12))
        {
            r.IgnoreValue = _random.Chance(0.6);
            r.IgnoreLease = _random.Chance(0.6);
            r.Value = r.IgnoreValue && _random.Chance(0.9) ? ByteString.Empty : r.Value;
            r.Lease = r.IgnoreLease && _random.Chance(0.9) ? 0 : r.Lease;
        }
    });

    private DeleteRangeRequest Delete(bool wellFormed)
    {
        string key = Key();
        string end = End();
        if (wellFormed && (end == "\0" || string.CompareOrdinal(key, end) >= 0))
        {
            end = "";
        }

        return Cases.Requests.Delete(key, end, _random.Chance(0.4));
    }

    private RangeRequest Range()
    {
        RangeRequest range = _random.Chance(0.3) ? All() : Get(Key(), End());
        if (_random.Chance(0.35))
        {
            range.Revision = Revision();
        }

        if (_random.Chance(0.3))
        {
            range.SortTarget = _random.Pick(Enum.GetValues<SortTarget>());
            range.SortOrder = _random.Pick(Enum.GetValues<SortOrder>());
        }

        range.Limit = _random.Chance(0.3) ? _random.Next(-1, 5) : 0;
        range.KeysOnly = _random.Chance(0.12);
        range.CountOnly = _random.Chance(0.1);
        range.Serializable = _random.Chance(0.15);
        range.MinModRevision = Bound();
        range.MaxModRevision = Bound();
        range.MinCreateRevision = Bound();
        range.MaxCreateRevision = Bound();
        return range;
    }

    private long Bound() => _random.Chance(0.06) ? Revision() : 0;

    private TxnRequest Txn(int depth, bool ignores)
    {
        var txn = new TxnRequest();
        txn.Compare.AddRange(Enumerable.Range(0, _random.Next(3)).Select(_ => Condition()));
        txn.Success.AddRange(Operations(depth, ignores));
        txn.Failure.AddRange(Operations(depth, ignores));
        return txn;
    }

    private IEnumerable<RequestOp> Operations(int depth, bool ignores) =>
        Enumerable.Range(0, _random.Next(4)).Select(_ => Operation(depth, ignores)).ToArray();

    private RequestOp Operation(int depth, bool ignores) => _random.Next(100) switch
    {
        < 35 => Op(Put(ignores)),
        < 60 => Op(Range()),
        < 75 => Op(Delete(wellFormed: ignores)),
        < 99 when depth < NestingMax => Op(Txn(depth + 1, ignores)),
        99 => new RequestOp(),
        _ => Op(Get(Key())),
    };

    private Compare Condition()
    {
        var condition = new Compare
        {
            Key = B(Key()),
            RangeEnd = B(_random.Chance(0.7) ? "" : _random.Pick(Ends)),
            Target = _random.Chance(0.02) ? (CompareTarget)9 : _random.Pick(Enum.GetValues<CompareTarget>()),
            Result = _random.Chance(0.02) ? (CompareResult)9 : _random.Pick(Enum.GetValues<CompareResult>()),
        };
        // Sometimes the number is of another kind than is compared.
        switch (_random.Chance(0.05) ? _random.Pick(Enum.GetValues<CompareTarget>()) : condition.Target)
        {
            case CompareTarget.Version:
                condition.Version = _random.Next(-1, 4);
                break;
            case CompareTarget.Create:
                condition.CreateRevision = _random.Chance(0.3) ? 0 : Revision();
                break;
            case CompareTarget.Mod:
                condition.ModRevision = _random.Chance(0.3) ? 0 : Revision();
                break;
            case CompareTarget.Lease:
                condition.Lease = _random.Chance(0.5) ? 0 : Lease();
                break;
            case CompareTarget.Value:
                condition.Value = B(_random.Pick(Values));
                break;
        }

        return condition;
    }

    private WatchCreateRequest Watch()
    {
        WatchCreateRequest watch = _random.Chance(0.3) ? Cases.Requests.Watch("", "\0") : Cases.Requests.Watch(Key(), End());
        // From a negative one the reference behaves otherwise, which a case shows.
        watch.StartRevision = _random.Chance(0.45) ? 0 : Math.Max(At(1), Revision());
        watch.WatchId = _random.Chance(0.15) ? _random.Next(1, 5) : 0;
        watch.PrevKv = _random.Chance(0.4);
        watch.ProgressNotify = _random.Chance(0.2);
        watch.Fragment = _random.Chance(0.2);
        if (_random.Chance(0.25))
        {
            watch.Filters.Add(_random.Pick(Enum.GetValues<FilterType>()));
        }

        return watch;
    }
}
