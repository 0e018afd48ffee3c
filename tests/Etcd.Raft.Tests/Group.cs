using Etcd.Raft.Tests.Interaction;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>
/// Members that are driven synchronously: what is handed over is written and applied at once, and messages travel when
/// <see cref="Settle"/> is called, unless <see cref="Drop"/> says that they are lost.
/// </summary>
internal sealed class Group
{
    private readonly List<Message> _network = [];
    private readonly Dictionary<ulong, Member> _members = [];

    public Group(int voters, Func<RaftOptions, RaftOptions>? options = null)
    {
        var configuration = new ConfState([.. Enumerable.Range(1, voters).Select(n => new MemberId((ulong)n))], []);
        for (ulong id = 1; id <= (ulong)voters; id++)
        {
            Add(id, configuration, options);
        }
    }

    /// <summary>Which messages are lost.</summary>
    public Predicate<Message> Drop { get; set; } = static _ => false;

    /// <summary>Every message that was sent, in order.</summary>
    public List<Message> Sent { get; } = [];

    /// <summary>Reads that were confirmed, by the member that asked.</summary>
    public List<(ulong Member, ReadState Read)> Reads { get; } = [];

    public RaftNode this[ulong id] => _members[id].Raft;

    public static MemberId Id(ulong id) => new(id);

    /// <summary>A member with a log of entries of these terms from index 1 on, all durable, in the last one's term or a later one.</summary>
    public static RaftNode WithLog(ulong id, ulong term, int voters, params ulong[] terms) => new(
        Options(id),
        new RecoveredLog(new HardState(new Term(term), default, default), null, [.. Entries(1, terms)], default,
            new ConfState([.. Enumerable.Range(1, voters).Select(n => new MemberId((ulong)n))], [])));

    public static RaftOptions Options(ulong id) =>
        new() { Id = Id(id), PreVote = false, CheckQuorum = false, Random = static _ => 0 };

    public static IEnumerable<Entry> Entries(ulong first, params ulong[] terms) =>
        terms.Select((t, i) => new Entry(new Term(t), new LogIndex(first + (ulong)i), EntryType.Normal, new byte[] { (byte)t }));

    public Member Member(ulong id) => _members[id];

    public void Add(ulong id, ConfState configuration, Func<RaftOptions, RaftOptions>? options = null) =>
        _members.Add(id, new Member(
            (options ?? (o => o))(Options(id)), new RecoveredLog(default, null, [], default, configuration), isAsync: false));

    /// <summary>Puts a member with a log of its own in the place of one.</summary>
    public void Replace(ulong id, ulong term, params ulong[] terms)
    {
        ConfState configuration = this[id].Configuration;
        _members[id] = new Member(Options(id), new RecoveredLog(
            new HardState(new Term(term), default, default), null, [.. Entries(1, terms)], default, configuration), isAsync: false);
    }

    public StepResult Step(ulong to, Message message) => this[to].Step(message);

    public void Campaign(ulong id)
    {
        Step(id, new Message { Type = MessageType.Hup });
        Settle();
    }

    public StepResult Propose(ulong id, params string[] data)
    {
        StepResult result = Step(id, Proposal(EntryType.Normal, data));
        Settle();
        return result;
    }

    public StepResult Change(ulong id, string change)
    {
        StepResult result = Step(id, Proposal(EntryType.ConfChange, change));
        Settle();
        return result;
    }

    public static Message Proposal(EntryType type, params string[] data) => new()
    {
        Type = MessageType.Prop,
        Entries = data.Select(d => new Entry(default, default, type, System.Text.Encoding.UTF8.GetBytes(d))).ToArray(),
    };

    public void Tick(ulong id, int count = 1)
    {
        for (int i = 0; i < count; i++)
        {
            this[id].Tick();
            Settle();
        }
    }

    /// <summary>Until nobody has anything to do.</summary>
    public void Settle()
    {
        for (bool any = true; any;)
        {
            any = false;
            foreach (Member member in _members.Values)
            {
                any |= Work(member);
            }

            List<Message> messages = [.. _network];
            _network.Clear();
            Sent.AddRange(messages);
            foreach (Message message in messages.Where(m => !Drop(m) && _members.ContainsKey(m.To.Value)))
            {
                any = true;
                this[message.To.Value].Step(message);
            }
        }
    }

    private bool Work(Member member)
    {
        if (!member.Raft.HasReady)
        {
            return false;
        }

        Reads.AddRange(member.TakeReady(_network).ReadStates.Select(r => (member.Raft.Id.Value, r)));
        while (member.Appending.Count > 0)
        {
            foreach (Message own in member.RunAppend(_network).Messages.Where(m => m.To == member.Raft.Id))
            {
                _network.Remove(own);
                member.Raft.Step(own);
            }
        }

        while (member.Applying.Count > 0)
        {
            member.RunApply(static _ => { });
        }

        return true;
    }
}
