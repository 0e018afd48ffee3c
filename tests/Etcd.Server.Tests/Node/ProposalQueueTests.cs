using System.Text;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Node;

/// <summary>Changes of the membership on their way into the log: none is proposed that raft would make nothing of.</summary>
public sealed class ProposalQueueTests
{
    private static readonly MemberId Me = new(1);

    private readonly Ready _ready = new();
    private readonly ProposalQueue _queue = new();
    private readonly RaftNode _raft = new(
        new RaftOptions { Id = Me, Random = static _ => 0 }, new RecoveredLog(default, null, [], default, new ConfState([Me], [])));

    public ProposalQueueTests()
    {
        _raft.Step(new Message { Type = MessageType.Hup });
        Write();
        Apply();
    }

    /// <summary>The thread that applies settles a change a moment before raft hears of it.</summary>
    [Fact]
    public void AChangeWaitsUntilRaftKnowsTheOneBefore()
    {
        Proposal first = Change();
        _queue.Add(first);
        Assert.True(_queue.ProposeChange(_raft));
        Write();
        first.Settle(new ApplyOutcome(1));
        _queue.Add(Change());
        Assert.False(_queue.ProposeChange(_raft));
        Apply();
        Assert.True(_queue.ProposeChange(_raft));
        _raft.Ready(_ready);
        Assert.Equal(EntryType.ConfChange, Assert.Single(_ready.Entries).Type);
    }

    /// <summary>Another member has asked this leader for a change.</summary>
    [Fact]
    public void AChangeWaitsForAnotherMembers()
    {
        _raft.Step(new Message
        {
            Type = MessageType.Prop,
            Entries = new[] { new Entry(default, default, EntryType.ConfChange, Encoding.UTF8.GetBytes("other")) },
        });
        _queue.Add(Change());
        Assert.False(_queue.ProposeChange(_raft));
        Write();
        Apply();
        Assert.True(_queue.ProposeChange(_raft));
    }

    private static Proposal Change() => new(7, EntryType.ConfChange, new byte[] { 1 }, 0, long.MaxValue);

    private void Write()
    {
        _raft.Ready(_ready);
        _raft.OnAppended(_ready.Entries[^1].Index, _ready.Entries[^1].Term);
    }

    private void Apply()
    {
        _raft.Ready(_ready);
        foreach (Entry entry in _ready.CommittedEntries)
        {
            if (entry.Type == EntryType.ConfChange)
            {
                _raft.ApplyConfChange(default);
            }

            _raft.OnApplied(entry.Index);
        }
    }
}
