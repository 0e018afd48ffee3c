namespace Etcd.Simulation.Tests;

/// <summary>
/// Seeds that have found something, and what. A seed means the same run only as long as the simulator draws the same: what a
/// finding must not come back as is the named test beside it (<see cref="RegressionTests"/>); these cost little and stay.
/// </summary>
internal static class RegressionSeeds
{
    public static TheoryData<ulong, string> All => new()
    {
        { 1, "a member that started from a snapshot did not speak to its peers" },
        { 8, "the same, and so no leader was elected any more" },
        { 134, "a leader led in a term that was not durable on its own disk" },
        { 519, "who was removed was switched off while its vote was still needed" },
        { 11407, "a member that was down did not know the leader that had joined meanwhile" },
        { 11871, "a crash between a snapshot's record and the hard state that commits it" },
        { 12583, "the hash of an empty store before the work of a compaction is done" },
    };
}
