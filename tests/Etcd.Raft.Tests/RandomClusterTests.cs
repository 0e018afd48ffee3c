using System.Text;
using Etcd.Raft.Tests.Interaction;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>
/// The core alone under random schedules: messages lost, doubled and reordered, writes that lag, crashes, changes of the
/// membership, transfers, reads; then a quiet phase in which all must agree. What is checked does not come from the core: who
/// led each term, what was applied at each index anywhere, what every read may see. A failure names its seed; ETCD_RAFT_SEED
/// runs that one, ETCD_RAFT_SEEDS that many.
/// </summary>
public sealed class RandomClusterTests
{
    private const int SeedsByDefault = 300;

    [Fact]
    public void RandomSchedulesKeepThePromises()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("ETCD_RAFT_SEED"), out int only))
        {
            new Run(only).All();
            return;
        }

        int seeds = int.TryParse(Environment.GetEnvironmentVariable("ETCD_RAFT_SEEDS"), out int many) ? many : SeedsByDefault;
        int reads = 0;
        int changes = 0;
        int snapshots = 0;
        for (int seed = 0; seed < seeds; seed++)
        {
            var run = new Run(seed);
            try
            {
                run.All();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }

            reads += run.ReadsServed;
            changes += run.ChangesApplied;
            snapshots += run.SnapshotsInstalled;
        }

        // Schedules in which nothing happens would keep every promise.
        Assert.True(reads > seeds && changes > seeds && snapshots > seeds / 10, $"{reads} reads, {changes} changes, {snapshots} snapshots");
    }

    private sealed class Run
    {
        private const int Steps = 1500;
        private const int MembersMax = 5;
        private readonly Random _random;
        private readonly Dictionary<ulong, Member> _members = [];
        private readonly List<Message> _network = [];
        private readonly Dictionary<ulong, ulong> _leaders = [];
        private readonly Dictionary<ulong, string> _applied = [];
        private readonly Dictionary<string, ulong> _readsBegunAt = [];
        private readonly bool _preVote;
        private readonly bool _checkQuorum;
        private readonly int _catchUp;
        private readonly int _inflight;
        private readonly int _messageBytes;
        private readonly double _loss;
        private ulong _highestApplied;
        private ulong _blocked;
        private int _names;

        public Run(int seed)
        {
            _random = new Random(seed);
            _preVote = _random.Next(2) == 0;
            _checkQuorum = _random.Next(2) == 0;
            _catchUp = _random.Next(3) * 5;
            _inflight = 1 + _random.Next(5);
            _messageBytes = _random.Next(2) * 100;
            _loss = _random.Next(4) * 0.05;
            var configuration = new ConfState([.. Enumerable.Range(1, 3).Select(n => new MemberId((ulong)n))], []);
            for (ulong id = 1; id <= MembersMax; id++)
            {
                Snapshot? start = id <= 3 ? new Snapshot(new LogIndex(1), new Term(1), configuration, default) : null;
                _members[id] = new Member(Options(id), new RecoveredLog(
                    new HardState(start?.Term ?? default, default, start?.Index ?? default),
                    start, [], start?.Index ?? default, start?.Configuration ?? ConfState.Empty), isAsync: true);
            }
        }

        public int ReadsServed { get; private set; }

        public int ChangesApplied { get; private set; }

        public int SnapshotsInstalled { get; private set; }

        public void All()
        {
            for (int step = 0; step < Steps; step++)
            {
                Step();
                CheckLeaders();
            }

            Heal();
        }

        private RaftOptions Options(ulong id)
        {
            var random = new Random(_random.Next());
            return new RaftOptions
            {
                Id = new MemberId(id),
                ElectionTicks = 5,
                PreVote = _preVote,
                CheckQuorum = _checkQuorum,
                CatchUpEntries = _catchUp,
                InflightMessagesMax = _inflight,
                MessageBytesMax = _messageBytes,
                UncommittedBytesMax = 400,
                Random = random.Next,
            };
        }

        private void Step()
        {
            Member member = _members[(ulong)_random.Next(1, MembersMax + 1)];
            switch (_random.Next(100))
            {
                case < 40: Deliver(); break;
                case < 55: TakeReady(member); break;
                case < 67: Append(member); break;
                case < 77: Apply(member); break;
                case < 86: member.Raft.Tick(); break;
                case < 91: Propose(member); break;
                case < 94: Read(member); break;
                case < 95: Change(member); break;
                case < 96: Local(member, _random.Next(2) == 0 ? MessageType.Unreachable : MessageType.SnapStatus); break;
                case < 97: Transfer(member); break;
                case < 98: _blocked = _random.Next(3) == 0 ? member.Raft.Id.Value : 0; break;
                case < 99 when _random.Next(3) == 0: Crash(member); break;
            }
        }

        private void Deliver()
        {
            if (_network.Count == 0)
            {
                return;
            }

            int at = _random.Next(Math.Min(_network.Count, 4));
            Message message = _network[at];
            if (_random.NextDouble() > 0.05)
            {
                _network.RemoveAt(at);
            }

            bool isCut = _blocked != 0 && (message.From.Value == _blocked || message.To.Value == _blocked);
            if (isCut || _random.NextDouble() < _loss || _network.Count > 500)
            {
                return;
            }

            _members[message.To.Value].Raft.Step(message);
        }

        private void TakeReady(Member member)
        {
            if (!member.Raft.HasReady)
            {
                return;
            }

            int before = _network.Count;
            Ready ready = member.TakeReady(_network);
            foreach (ReadState read in ready.ReadStates)
            {
                Serve(read);
            }

            foreach (Message message in _network.Skip(before))
            {
                Assert.NotEqual(member.Raft.Id, message.To);
            }
        }

        private void Append(Member member)
        {
            if (member.Appending.Count == 0)
            {
                return;
            }

            // Several writes become durable by one sync; the last report would do, but all of them come.
            int writes = _random.Next(1, member.Appending.Count + 1);
            for (int i = 0; i < writes; i++)
            {
                AppendWork work = member.RunAppend(_network);
                foreach (Message own in work.Messages.Where(m => m.To == member.Raft.Id))
                {
                    _network.Remove(own);
                    member.Raft.Step(own);
                }
            }
        }

        private void Apply(Member member)
        {
            if (!member.Applying.TryPeek(out ApplyWork? work))
            {
                return;
            }

            // A snapshot is installed only when it is durable.
            if (work.Snapshot is { } waiting && (member.DurableSnapshot is null || member.DurableSnapshot.Index < waiting.Index))
            {
                return;
            }

            // Committed entries are durable here.
            foreach (Entry entry in work.Entries)
            {
                bool isDurable = member.DurableEntries.Contains(entry) || member.DurableSnapshot?.Index >= entry.Index;
                Assert.True(isDurable, $"{member.Raft.Id} applies {Describe.Of(entry)}, which is not durable there");
            }

            member.RunApply(_ => ChangesApplied++);
            SnapshotsInstalled += work.Snapshot is null ? 0 : 1;
            foreach (Entry entry in work.Entries)
            {
                string text = Describe.Of(entry);
                Assert.True(_applied.TryAdd(entry.Index.Value, text) || _applied[entry.Index.Value] == text,
                    $"{text} is applied where {_applied[entry.Index.Value]} was");
                _highestApplied = Math.Max(_highestApplied, entry.Index.Value);
            }
        }

        private void Propose(Member member) => member.Raft.Step(new Message
        {
            Type = MessageType.Prop,
            Entries = Enumerable.Range(0, _random.Next(1, 4))
                .Select(_ => new Entry(default, default, EntryType.Normal, Bytes($"p{_names++}" + new string('.', _random.Next(30))))).ToArray(),
        });

        private void Read(Member member)
        {
            string name = $"r{_names++}";
            if (member.Raft.LocalReadIndex is { } local)
            {
                Assert.True(local.Value >= _highestApplied, $"a local read at {local} misses {_highestApplied}");
            }

            _readsBegunAt[name] = _highestApplied;
            member.Raft.Step(new Message { Type = MessageType.ReadIndex, Context = Bytes(name) });
        }

        private void Serve(ReadState read)
        {
            string name = Encoding.UTF8.GetString(read.Context.Span);
            Assert.True(read.Index.Value >= _readsBegunAt[name], $"{name} is served at {read.Index} and misses {_readsBegunAt[name]}");
            ReadsServed++;
        }

        private void Change(Member member)
        {
            ulong id = (ulong)_random.Next(1, MembersMax + 1);
            ConfState now = member.Raft.Configuration;
            char kind = "vvlr"[_random.Next(4)];
            // The membership room refuses to take the last voters out, and to make a learner of a voter.
            if ((kind == 'r' && now.Voters.Count <= 2) || (kind == 'l' && now.Voters.Contains(new MemberId(id))))
            {
                kind = 'x';
            }

            member.Raft.Step(new Message
            {
                Type = MessageType.Prop,
                Entries = new[] { new Entry(default, default, EntryType.ConfChange, Bytes($"{kind}{id}")) },
            });
        }

        private void Local(Member member, MessageType type) => member.Raft.Step(new Message
        {
            Type = type,
            From = new MemberId((ulong)_random.Next(1, MembersMax + 1)),
            Reject = _random.Next(2) == 0,
        });

        private void Transfer(Member member) => member.Raft.Step(new Message
        {
            Type = MessageType.TransferLeader,
            From = new MemberId((ulong)_random.Next(1, MembersMax + 1)),
        });

        private void Crash(Member member)
        {
            member.Restart();
            _network.RemoveAll(m => m.From == member.Raft.Id && _random.Next(2) == 0);
        }

        private void CheckLeaders()
        {
            foreach (Member member in _members.Values.Where(m => m.Raft.Role == RaftRole.Leader))
            {
                ulong term = member.Raft.Term.Value;
                Assert.True(_leaders.TryAdd(term, member.Raft.Id.Value) || _leaders[term] == member.Raft.Id.Value,
                    $"{member.Raft.Id} and {_leaders[term]} lead term {term}");
            }
        }

        /// <summary>Without faults everything proposed now is applied by all members of the configuration.</summary>
        private void Heal()
        {
            _blocked = 0;
            Member? leader = null;
            for (int round = 0; round < 2000; round++)
            {
                foreach (Member member in _members.Values)
                {
                    while (member.Raft.HasReady || member.Appending.Count > 0)
                    {
                        TakeReady(member);
                        Append(member);
                    }

                    while (member.Applying.Count > 0)
                    {
                        Apply(member);
                    }
                }

                List<Message> messages = [.. _network];
                _network.Clear();
                messages.ForEach(m => _members[m.To.Value].Raft.Step(m));
                CheckLeaders();
                if (round % 4 == 0)
                {
                    foreach (Member member in _members.Values)
                    {
                        member.Raft.Tick();
                        FinishSnapshots(member);
                    }
                }

                leader = _members.Values.Where(m => m.Raft.Role == RaftRole.Leader).MaxBy(m => m.Raft.Term.Value);
                if (round % 50 == 49 && leader is not null)
                {
                    Propose(leader);
                    Read(leader);
                }

                if (round > 400 && leader is not null && IsSettled(leader))
                {
                    return;
                }
            }

            Assert.Fail("no agreement: " + string.Join("; ", _members.Values.Select(m =>
                $"{m.Raft.Id} {m.Raft.Role} term {m.Raft.Term} applied {m.Raft.Applied} of {m.Raft.LastIndex} {Describe.Of(m.Raft.Configuration)}"
                + string.Join(",", Progress(m)))));
        }

        private static List<string> Progress(Member member)
        {
            var progress = new List<MemberProgress>();
            member.Raft.CopyProgress(progress);
            return [.. progress.Select(p => Describe.Of(p))];
        }

        private void FinishSnapshots(Member member)
        {
            // The transport reports every snapshot's fate.
            var progress = new List<MemberProgress>();
            member.Raft.CopyProgress(progress);
            foreach (MemberProgress p in progress.Where(p => p.State == ProgressState.Snapshot && _random.Next(5) == 0))
            {
                member.Raft.Step(new Message { Type = MessageType.SnapStatus, From = p.Member, Reject = true });
            }
        }

        private bool IsSettled(Member leader) =>
            leader.Raft.Applied.Value >= _highestApplied
            && leader.Raft.Configuration.Voters.Concat(leader.Raft.Configuration.Learners)
                .All(id => _members[id.Value].Raft is { } raft && raft.Applied == leader.Raft.LastIndex
                    && raft.Configuration.Voters.SequenceEqual(leader.Raft.Configuration.Voters)
                    && raft.Configuration.Learners.SequenceEqual(leader.Raft.Configuration.Learners));

        private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
    }
}
