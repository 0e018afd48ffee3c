using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Lease;

/// <summary>
/// Goal: heap and times stay right under any order of grants, renewals, revokes, checkpoints and changes of leader.
/// Method: random steps from a seed, compared after each with a model that looks at all leases.
/// </summary>
public sealed class LeaseModelTests
{
    [Fact]
    public void Leases_expire_as_in_the_model()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            try
            {
                new Run(seed).Go();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    [Fact]
    public void The_heap_gives_the_earliest_like_a_sorted_list()
    {
        var random = new Random(1);
        var heap = new ExpiryHeap();
        List<LeaseEntry> all = [.. Enumerable.Range(1, 300).Select(i => new LeaseEntry(LeaseBench.Id(i), 1))];
        HashSet<LeaseEntry> inside = [];
        for (int i = 0; i < 20_000; i++)
        {
            LeaseEntry lease = all[random.Next(all.Count)];
            if (random.Next(3) == 0)
            {
                heap.Remove(lease);
                inside.Remove(lease);
            }
            else
            {
                heap.Set(lease, random.Next(100));
                inside.Add(lease);
            }

            Assert.Equal(inside.Count, heap.Count);
            Assert.Same(inside.OrderBy(l => l.DueAt).ThenBy(l => l.Id.Value).FirstOrDefault(), heap.Earliest);
        }
    }

    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly LeaseBench _bench = new();
        private readonly Dictionary<long, Model> _model = [];
        private bool _isPrimary;

        public void Go()
        {
            for (int i = 0; i < 500; i++)
            {
                Step(LeaseBench.Id(_random.Next(1, 40)));
                Compare();
            }
        }

        private TimeSpan Now => _bench.Clock.Elapsed;

        private void Step(LeaseId id)
        {
            switch (_random.Next(12))
            {
                case 0 or 1 or 2:
                    Grant(id);
                    break;
                case 3 or 4:
                    Renew(id);
                    break;
                case 5:
                    Assert.Equal(_model.Remove(id.Value), _bench.Revoke(id.Value) == LeaseStatus.Ok);
                    break;
                case 6:
                    Checkpoint(id);
                    break;
                case 7:
                    ChangeLeader();
                    break;
                default:
                    _bench.Advance(_random.NextDouble() * 3);
                    break;
            }
        }

        private void Grant(LeaseId id)
        {
            long ttl = _random.Next(0, 20);
            LeaseGrant grant = _bench.Leases.Grant(id, ttl);
            Assert.Equal(_model.ContainsKey(id.Value) ? LeaseStatus.Exists : LeaseStatus.Ok, grant.Status);
            if (grant.Status == LeaseStatus.Ok)
            {
                Assert.Equal(Math.Max(ttl, 2), grant.TtlSeconds);
                _model[id.Value] = new Model(grant.TtlSeconds);
                Start(_model[id.Value], TimeSpan.Zero);
            }
        }

        private void Renew(LeaseId id)
        {
            LeaseStatus status = _bench.Leases.Renew(id).Status;
            if (!_isPrimary)
            {
                Assert.Equal(LeaseStatus.NotPrimary, status);
            }
            else if (!_model.TryGetValue(id.Value, out Model? model))
            {
                Assert.Equal(LeaseStatus.NotFound, status);
            }
            else
            {
                Assert.Equal(model.Expiry <= Now ? LeaseStatus.ExpiredPending : LeaseStatus.Ok, status);
                if (status == LeaseStatus.Ok)
                {
                    Start(model, TimeSpan.Zero, model.Ttl);
                }
            }
        }

        private void Checkpoint(LeaseId id)
        {
            long remaining = _random.Next(0, 10);
            _bench.Leases.Checkpoint(id, remaining);
            if (_model.TryGetValue(id.Value, out Model? model))
            {
                model.Checkpoint = remaining;
            }
        }

        private void ChangeLeader()
        {
            _isPrimary = !_isPrimary;
            if (!_isPrimary)
            {
                _bench.Leases.Demote();
                return;
            }

            TimeSpan extend = TimeSpan.FromSeconds(1);
            _bench.Leases.Promote(extend);
            foreach (Model model in _model.Values)
            {
                Start(model, extend);
            }
        }

        private void Start(Model model, TimeSpan extend) => Start(model, extend, model.Checkpoint > 0 ? model.Checkpoint : model.Ttl);

        private void Start(Model model, TimeSpan extend, long seconds)
        {
            model.Expiry = Now + extend + TimeSpan.FromSeconds(seconds);
            model.DueAt = model.Expiry;
        }

        private void Compare()
        {
            List<long> due = [];
            if (_isPrimary)
            {
                foreach ((long id, Model model) in _model.Where(m => m.Value.DueAt <= Now).OrderBy(m => m.Value.DueAt).ThenBy(m => m.Key))
                {
                    due.Add(id);
                    model.DueAt = Now + _bench.Options.RevokeRetry;
                }
            }

            Assert.Equal(due, _bench.Expired());
            Assert.Equal(_model.Count, _bench.Leases.Count);
            IEnumerable<long> order = _isPrimary
                ? _model.OrderBy(m => m.Value.Expiry).ThenBy(m => m.Key).Select(m => m.Key)
                : _model.Keys.Order();
            Assert.Equal(order, _bench.Leases.List().Select(id => id.Value));
        }

        private sealed class Model(long ttl)
        {
            public long Ttl { get; } = ttl;

            public long Checkpoint { get; set; }

            public TimeSpan Expiry { get; set; }

            public TimeSpan DueAt { get; set; }
        }
    }
}
