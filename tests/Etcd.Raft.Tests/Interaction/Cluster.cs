using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests.Interaction;

/// <summary>
/// Executes the commands of a script over some members and a network that does nothing by itself. testdata/README.md lists
/// the commands.
/// </summary>
internal sealed class Cluster
{
    private readonly SortedDictionary<int, Member> _members = [];
    private readonly Dictionary<int, int> _drawn = [];
    private readonly List<Message> _network = [];
    private readonly StringBuilder _out = new();
    private string _indent = "";
    private bool _quiet;

    public string Execute(Command command)
    {
        _out.Clear();
        switch (command.Name)
        {
            case "quiet": _quiet = true; return "";
            case "loud": _quiet = false; return "";
            case "add-nodes": AddNodes(command); break;
            case "campaign": Local(command.Id(), MessageType.Hup); break;
            case "propose": Propose(command, EntryType.Normal); break;
            case "propose-conf-change": Propose(command, EntryType.ConfChange); break;
            case "read-index": Step(Of(command.Id()), new Message { Type = MessageType.ReadIndex, Context = Bytes(command.Words[1]) }); break;
            case "transfer-leadership": Transfer(command); break;
            case "report-unreachable": Report(command, MessageType.Unreachable, reject: false); break;
            case "report-snapshot": Report(command, MessageType.SnapStatus, command.Flag("failed")); break;
            case "send-snapshot": SendSnapshot(command.Id(), command.Id(1)); break;
            case "tick": Tick(command.Id(), command.Number("n", 1)); break;
            case "tick-heartbeat": Tick(command.Id(), 1); break;
            case "tick-election": Tick(command.Id(), ElectionTicks); break;
            case "random": _drawn[command.Id()] = command.Id(1); break;
            case "process-ready": ForEach(command.Ids, "handling Ready", m => ProcessReady(m)); break;
            case "process-append": ForEach(command.Ids, "writing", m => RunAppend(m)); break;
            case "process-apply": ForEach(command.Ids, "applying", m => RunApply(m)); break;
            case "deliver-msgs": DeliverMessages(command); break;
            case "drop-msgs": DropMessages(command); break;
            case "double-msgs": DoubleMessages(command); break;
            case "stabilize": Stabilize(command); break;
            case "restart": Of(command.Id()).Restart(); break;
            case "status": Status(Of(command.Id())); break;
            case "raft-log": RaftLog(Of(command.Id())); break;
            case "raft-state": RaftState(); break;
            case "applied": Of(command.Id()).Applied.ForEach(Line); break;
            default: throw new FormatException("unknown command " + command.Name);
        }

        return _quiet ? "" : _out.ToString();
    }

    private const int ElectionTicks = 3;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private Member Of(int id) => _members[id];

    private void Line(string text) => _out.Append(_indent).Append(text).Append('\n');

    private void AddNodes(Command command)
    {
        var index = new LogIndex((ulong)command.Number("index", 0));
        var term = new Term(index == default ? 0UL : 1UL);
        var configuration = new ConfState(
            [.. command.Numbers("voters").Select(n => new MemberId((ulong)n))],
            [.. command.Numbers("learners").Select(n => new MemberId((ulong)n))]);
        for (int n = 0; n < command.Id(); n++)
        {
            int id = _members.Count + 1;
            _drawn[id] = 0;
            var options = new RaftOptions
            {
                Id = new MemberId((ulong)id),
                ElectionTicks = ElectionTicks,
                PreVote = command.Flag("prevote"),
                CheckQuorum = command.Flag("checkquorum"),
                InflightMessagesMax = command.Number("inflight", 512),
                MessageBytesMax = command.Number("max-message", 1024 * 1024),
                UncommittedBytesMax = command.Number("max-uncommitted", 1024 * 1024),
                CatchUpEntries = command.Number("catch-up", 5000),
                Random = _ => _drawn[id],
            };
            Snapshot? snapshot = index == default ? null : new Snapshot(index, term, configuration, default);
            var recovered = new RecoveredLog(new HardState(term, default, index), snapshot, [], index, configuration);
            _members.Add(id, new Member(options, recovered, command.Flag("async")));
        }
    }

    private void Local(int id, MessageType type) => Step(Of(id), new Message { Type = type, From = Of(id).Raft.Id });

    private void Propose(Command command, EntryType type) => Step(Of(command.Id()), new Message
    {
        Type = MessageType.Prop,
        Entries = command.Words.Skip(1).Select(w => new Entry(default, default, type, w == "''" ? [] : Bytes(w))).ToArray(),
    });

    private void Transfer(Command command) =>
        Step(Of(command.Number("at", command.Number("from", 0))), new Message
        {
            Type = MessageType.TransferLeader,
            From = new MemberId((ulong)command.Number("to", 0)),
        });

    private void Report(Command command, MessageType type, bool reject) =>
        Step(Of(command.Id()), new Message { Type = type, From = new MemberId((ulong)command.Id(1)), Reject = reject });

    private void SendSnapshot(int from, int to)
    {
        Member sender = Of(from);
        Entry last = sender.DurableEntries.Single(e => e.Index == sender.Raft.Applied);
        _network.Add(new Message
        {
            Type = MessageType.Snap,
            From = sender.Raft.Id,
            To = new MemberId((ulong)to),
            Term = sender.Raft.Term,
            Snapshot = new Snapshot(last.Index, last.Term, sender.Raft.Configuration, default),
        });
        Line(Describe.Of(_network[^1]));
    }

    private void Tick(int id, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Watch(Of(id), () => Of(id).Raft.Tick());
        }
    }

    private void ForEach(IEnumerable<int> ids, string what, Action<Member> body)
    {
        int[] all = [.. ids];
        foreach (int id in all)
        {
            if (all.Length == 1)
            {
                body(Of(id));
                continue;
            }

            Heading($"> {id} {what}", () => body(Of(id)));
        }
    }

    private void Heading(string heading, Action body)
    {
        Line(heading);
        string before = _indent;
        _indent += "  ";
        body();
        _indent = before;
    }

    private void ProcessReady(Member member)
    {
        if (!member.Raft.HasReady)
        {
            Line("no Ready");
            return;
        }

        Ready ready = member.TakeReady(_network);
        Print(ready);
        ready.Clear();
        if (!member.IsAsync)
        {
            while (member.Appending.TryPeek(out AppendWork? work))
            {
                Watch(member, () => member.RunAppend(_network));
                GiveBackOwn(member, work);
            }

            while (member.Applying.Count > 0)
            {
                Watch(member, () => member.RunApply(c => Line("configuration is " + Describe.Of(c))));
            }
        }
    }

    private void RunAppend(Member member)
    {
        AppendWork work = member.Appending.Peek();
        Watch(member, () => member.RunAppend(_network));
        Print(work.HardState, work.Snapshot, work.Entries);
        Messages("Messages:", work.Messages);
        GiveBackOwn(member, work);
    }

    private void RunApply(Member member)
    {
        ApplyWork work = member.Applying.Peek();
        Watch(member, () => member.RunApply(c => Line("configuration is " + Describe.Of(c))));
        Print(null, work.Snapshot, work.Entries);
    }

    /// <summary>A message to the member itself does not travel: the owner steps it when it may leave.</summary>
    private void GiveBackOwn(Member member, AppendWork work)
    {
        foreach (Message own in work.Messages.Where(m => m.To == member.Raft.Id))
        {
            _network.Remove(own);
            Step(member, own);
        }
    }

    private void DeliverMessages(Command command)
    {
        HashSet<int> to = [.. command.Ids];
        string? type = command.Text("type");
        int from = command.Number("from", 0);
        foreach (Message message in TakeMessages(m => to.Contains((int)m.To.Value)
            && (type is null || m.Type.ToString() == type) && (from == 0 || (int)m.From.Value == from)))
        {
            Line(Describe.Of(message));
            Step(Of((int)message.To.Value), message);
        }
    }

    private void DropMessages(Command command)
    {
        string? type = command.Text("type");
        int to = command.Number("to", 0);
        int from = command.Number("from", 0);
        var snapshot = new LogIndex((ulong)command.Number("snapshot", 0));
        foreach (Message message in TakeMessages(m => (to == 0 || (int)m.To.Value == to) && (from == 0 || (int)m.From.Value == from)
            && (type is null || m.Type.ToString() == type) && (snapshot == default || m.Snapshot?.Index == snapshot)))
        {
            Line("dropped: " + Describe.Of(message));
        }
    }

    private void DoubleMessages(Command command)
    {
        int to = command.Number("to", 0);
        _network.AddRange(_network.FindAll(m => to == 0 || (int)m.To.Value == to));
    }

    private List<Message> TakeMessages(Predicate<Message> which)
    {
        List<Message> taken = _network.FindAll(which);
        _network.RemoveAll(which);
        return taken;
    }

    private void Stabilize(Command command)
    {
        int[] ids = command.Words.Count > 0 ? [.. command.Ids] : [.. _members.Keys];
        for (bool any = true; any;)
        {
            any = false;
            foreach (int id in ids)
            {
                Member member = Of(id);
                if (_network.Any(m => (int)m.To.Value == id))
                {
                    any = true;
                    Heading($"> {id} receiving", () => DeliverMessages(new Command($"deliver-msgs {id}")));
                }

                if (member.Raft.HasReady)
                {
                    any = true;
                    Heading($"> {id} handling Ready", () => ProcessReady(member));
                }

                if (member.Appending.Count > 0)
                {
                    any = true;
                    Heading($"> {id} writing", () => RunAppend(member));
                }

                if (member.Applying.Count > 0)
                {
                    any = true;
                    Heading($"> {id} applying", () => RunApply(member));
                }
            }
        }
    }

    private void Step(Member member, Message message)
    {
        StepResult result = default;
        Watch(member, () => result = member.Raft.Step(message));
        if (result != StepResult.Accepted)
        {
            Line($"({result})");
        }
    }

    private void Watch(Member member, Action body)
    {
        (RaftRole, Term, MemberId) before = (member.Raft.Role, member.Raft.Term, member.Raft.Leader);
        body();
        if (before != (member.Raft.Role, member.Raft.Term, member.Raft.Leader))
        {
            Line($"{member.Raft.Id} is {member.Raft.Role} in term {member.Raft.Term}, led by {(member.Raft.Leader.IsNone ? "nobody" : member.Raft.Leader)}");
        }
    }

    private void Print(Ready ready)
    {
        Line($"Ready MustSync={(ready.MustSync ? "true" : "false")}:");
        Print(ready.HardState, ready.Snapshot, ready.Entries);
        if (ready.CommittedEntries.Count > 0)
        {
            Line("Committed:");
            ready.CommittedEntries.ForEach(e => Line("  " + Describe.Of(e)));
        }

        foreach (ReadState read in ready.ReadStates)
        {
            Line($"Read {Describe.Context(read.Context.Span)} at {read.Index}");
        }

        Messages("Messages:", ready.Messages);
        Messages("After append:", ready.MessagesAfterAppend);
    }

    private void Print(HardState? hardState, Snapshot? snapshot, IReadOnlyCollection<Entry> entries)
    {
        if (hardState is { } state)
        {
            Line("HardState " + Describe.Of(state));
        }

        if (snapshot is not null)
        {
            Line("Snapshot " + Describe.Of(snapshot));
        }

        if (entries.Count > 0)
        {
            Line("Entries:");
            foreach (Entry entry in entries)
            {
                Line("  " + Describe.Of(entry));
            }
        }
    }

    private void Messages(string heading, IReadOnlyCollection<Message> messages)
    {
        if (messages.Count > 0)
        {
            Line(heading);
            foreach (Message message in messages)
            {
                Line("  " + Describe.Of(message));
            }
        }
    }

    private void Status(Member member)
    {
        var progress = new List<MemberProgress>();
        member.Raft.CopyProgress(progress);
        progress.ForEach(p => Line(Describe.Of(p)));
        if (progress.Count == 0)
        {
            Line("not the leader");
        }
    }

    private void RaftLog(Member member)
    {
        Line($"snapshot {(member.DurableSnapshot is { } s ? Describe.Of(s) : "none")}");
        foreach (Entry entry in member.DurableEntries)
        {
            Line(Describe.Of(entry));
        }

        Line($"last={member.Raft.LastIndex} committed={member.Raft.Committed} applied={member.Raft.Applied} forgotten={member.Raft.ForgottenIndex}");
    }

    private void RaftState()
    {
        foreach ((int id, Member member) in _members)
        {
            RaftNode raft = member.Raft;
            string what = raft.Configuration.Voters.Contains(raft.Id) ? "voter"
                : raft.Configuration.Learners.Contains(raft.Id) ? "learner" : "no member";
            Line($"{id}: {raft.Role} ({what}) Term:{raft.Term} Lead:{raft.Leader} Commit:{raft.Committed}");
        }
    }
}
