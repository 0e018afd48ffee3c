using Etcd.Server.Primitives;
using Etcd.Server.Raft.Quorum;

namespace Etcd.Server.Raft.Tracker;

/// <summary>
/// The members of the configuration in force, ascending by id, each with its progress; and what a majority of the voters
/// among them has reached.
/// </summary>
/// <param name="options">For the windows.</param>
internal sealed class Members(RaftOptions options)
{
    private const int VotersOnStack = 16;

    private readonly List<Progress> _all = [];

    /// <summary>How many there are.</summary>
    public int Count => _all.Count;

    /// <summary>The member at a place, in the order of the ids.</summary>
    public Progress this[int place] => _all[place];

    /// <summary>How many vote.</summary>
    public int Voters { get; private set; }

    /// <summary>The same as a value.</summary>
    public ConfState Configuration { get; private set; } = ConfState.Empty;

    /// <summary>The member with an id; null if there is none.</summary>
    public Progress? Find(MemberId id)
    {
        foreach (Progress member in _all)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>Whether this member votes.</summary>
    public bool IsVoter(MemberId id) => Find(id) is { IsLearner: false };

    /// <summary>Whether it is the only one that votes.</summary>
    public bool IsSoleVoter(MemberId id) => Voters == 1 && IsVoter(id);

    /// <summary>Replaces all members.</summary>
    /// <param name="configuration">The new ones.</param>
    /// <param name="next">The next index to send to each.</param>
    public void Restore(ConfState configuration, LogIndex next)
    {
        _all.Clear();
        foreach (MemberId id in configuration.Voters)
        {
            Insert(id, isLearner: false, next);
        }

        foreach (MemberId id in configuration.Learners)
        {
            Insert(id, isLearner: true, next);
        }

        Refresh();
    }

    /// <summary>Applies one change.</summary>
    /// <param name="change">What to do; a change that is in force already does nothing.</param>
    /// <param name="next">The next index to send to a new member.</param>
    public void Apply(ConfChange change, LogIndex next)
    {
        if (change.Member.IsNone || change.Kind == ConfChangeKind.Update)
        {
            return;
        }

        Progress? member = Find(change.Member);
        if (change.Kind == ConfChangeKind.Remove)
        {
            _all.RemoveAll(m => m.Id == change.Member);
        }
        else if (member is not null)
        {
            member.IsLearner = change.Kind == ConfChangeKind.AddLearner;
        }
        else
        {
            Progress added = Insert(change.Member, change.Kind == ConfChangeKind.AddLearner, next);
            // Or the next look for a quorum could depose the leader before the new member had its first message.
            added.RecentActive = true;
        }

        Refresh();
    }

    /// <summary>The highest index that a majority of the voters is known to have.</summary>
    public LogIndex ReachedByMajority()
    {
        Span<ulong> reached = Voters <= VotersOnStack ? stackalloc ulong[VotersOnStack] : new ulong[Voters];
        int voters = 0;
        foreach (Progress member in _all)
        {
            if (!member.IsLearner)
            {
                reached[voters++] = member.Match.Value;
            }
        }

        return new LogIndex(Majority.Reached(reached[..voters]));
    }

    /// <summary>The newest mark that came back from a majority of the voters.</summary>
    public ulong MarkOfMajority()
    {
        Span<ulong> reached = Voters <= VotersOnStack ? stackalloc ulong[VotersOnStack] : new ulong[Voters];
        int voters = 0;
        foreach (Progress member in _all)
        {
            if (!member.IsLearner)
            {
                reached[voters++] = member.AcknowledgedMark;
            }
        }

        return Majority.Reached(reached[..voters]);
    }

    /// <summary>Whether a majority of the voters was heard of since the last look.</summary>
    public bool MajorityIsActive()
    {
        int active = 0;
        foreach (Progress member in _all)
        {
            active += member is { IsLearner: false, RecentActive: true } ? 1 : 0;
        }

        return active >= Majority.Of(Voters);
    }

    /// <summary>Forgets all votes.</summary>
    public void ClearVotes()
    {
        foreach (Progress member in _all)
        {
            member.Vote = null;
        }
    }

    /// <summary>What the votes mean.</summary>
    public VoteResult Tally()
    {
        int granted = 0;
        int rejected = 0;
        foreach (Progress member in _all)
        {
            if (!member.IsLearner && member.Vote is { } vote)
            {
                granted += vote ? 1 : 0;
                rejected += vote ? 0 : 1;
            }
        }

        return Majority.Tally(granted, rejected, Voters);
    }

    private Progress Insert(MemberId id, bool isLearner, LogIndex next)
    {
        Invariant.Check(!id.IsNone && Find(id) is null, "a member has an id of its own");
        var member = new Progress(id, isLearner, new Inflights(options.InflightMessagesMax, options.InflightBytesMax));
        member.Reset(default, next);
        int place = 0;
        for (; place < _all.Count && _all[place].Id.Value < id.Value; place++)
        {
        }

        _all.Insert(place, member);
        return member;
    }

    private void Refresh()
    {
        Voters = _all.Count(m => !m.IsLearner);
        Configuration = new ConfState(
            [.. _all.Where(m => !m.IsLearner).Select(m => m.Id)], [.. _all.Where(m => m.IsLearner).Select(m => m.Id)]);
    }
}
