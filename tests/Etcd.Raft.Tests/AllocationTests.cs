using System.Runtime.CompilerServices;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.TestKit;

namespace Etcd.Raft.Tests;

/// <summary>
/// The "Speed": in the steady state nothing is allocated per entry beyond the entry itself. The entry is its data,
/// which the proposer made, and its place in the leader's log, which the messages point into; a follower, whose log nobody
/// points into, uses its chunks again.
/// </summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    public void ThreeMembersAllocateTheEntrysPlaceOnly(int batch)
    {
        const int calls = 200;
        var cluster = new SteadyCluster(batch);
        long allocated = Allocations.OfTheLeastBatch(calls, cluster.Round);
        long place = Unsafe.SizeOf<Entry>();
        // A chunk is made for all its entries at once, so a batch may see one more than its share.
        long chunk = 1024 * (place + 1);
        Assert.InRange(allocated, 0, (calls * batch * place) + chunk);
    }

    /// <summary>A leader and two followers; one round takes a batch from its proposal to its application everywhere.</summary>
    private sealed class SteadyCluster
    {
        private readonly RaftNode[] _members;
        private readonly Ready _ready = new();
        private readonly List<Message> _network = [];
        private readonly List<Message> _delivering = [];
        private readonly Message _proposal;

        public SteadyCluster(int batch)
        {
            var configuration = new ConfState([new(1), new(2), new(3)], []);
            _members = [.. Enumerable.Range(1, 3).Select(id => new RaftNode(
                Group.Options((ulong)id) with { CatchUpEntries = 100 }, new RecoveredLog(default, null, [], default, configuration)))];
            _members[0].Step(new Message { Type = MessageType.Hup });
            Settle();
            Assert.Equal(RaftRole.Leader, _members[0].Role);
            Entry[] entries = [.. Enumerable.Repeat(new Entry(default, default, EntryType.Normal, new byte[64]), batch)];
            _proposal = new Message { Type = MessageType.Prop, Entries = entries };
        }

        public void Round()
        {
            _members[0].Step(_proposal);
            Settle();
            Invariant.Check(_members[2].Applied == _members[0].LastIndex, "a round ends when all have applied it");
        }

        private void Settle()
        {
            for (bool any = true; any;)
            {
                any = false;
                foreach (RaftNode member in _members)
                {
                    while (member.HasReady)
                    {
                        any = true;
                        Work(member);
                    }
                }

                _delivering.AddRange(_network);
                _network.Clear();
                foreach (Message message in _delivering)
                {
                    any = true;
                    _members[message.To.Value - 1].Step(message);
                }

                _delivering.Clear();
            }
        }

        private void Work(RaftNode member)
        {
            member.Ready(_ready);
            if (_ready.Entries.Count > 0)
            {
                member.OnAppended(_ready.Entries[^1].Index, _ready.Entries[^1].Term);
            }

            if (_ready.CommittedEntries.Count > 0)
            {
                member.OnApplied(_ready.CommittedEntries[^1].Index);
            }

            _network.AddRange(_ready.Messages);
            _network.AddRange(_ready.MessagesAfterAppend);
        }
    }
}
