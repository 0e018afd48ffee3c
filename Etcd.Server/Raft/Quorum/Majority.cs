using Etcd.Server.Primitives;

namespace Etcd.Server.Raft.Quorum;

/// <summary>What the votes that are in mean for an election.</summary>
internal enum VoteResult
{
    /// <summary>It can still be won or lost.</summary>
    Pending,

    /// <summary>A majority has granted.</summary>
    Won,

    /// <summary>A majority can no longer be reached.</summary>
    Lost,
}

/// <summary>The arithmetic of majorities: pure functions, without allocation.</summary>
internal static class Majority
{
    /// <summary>How many of a number of voters are more than half.</summary>
    public static int Of(int voters) => (voters / 2) + 1;

    /// <summary>
    /// The largest number that a majority has reached; zero if there are no voters. With the voters' match indexes this is the
    /// highest index that is on a majority (raft thesis 3.5).
    /// </summary>
    /// <param name="reached">What each voter has reached; sorted in place.</param>
    public static ulong Reached(Span<ulong> reached)
    {
        if (reached.IsEmpty)
        {
            return 0;
        }

        // By insertion: there are seven of them at most in practice, and mostly they are in order already.
        for (int i = 1; i < reached.Length; i++)
        {
            ulong value = reached[i];
            int at = i;
            for (; at > 0 && reached[at - 1] > value; at--)
            {
                reached[at] = reached[at - 1];
            }

            reached[at] = value;
        }

        return reached[^Of(reached.Length)];
    }

    /// <summary>The state of an election.</summary>
    /// <param name="granted">Voters that said yes.</param>
    /// <param name="rejected">Voters that said no.</param>
    /// <param name="voters">All voters.</param>
    public static VoteResult Tally(int granted, int rejected, int voters)
    {
        Invariant.Check(granted + rejected <= voters, "nobody votes twice");
        if (granted >= Of(voters))
        {
            return VoteResult.Won;
        }

        return voters - rejected >= Of(voters) ? VoteResult.Pending : VoteResult.Lost;
    }
}
