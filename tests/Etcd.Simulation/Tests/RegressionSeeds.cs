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
        { 134, "a leader led in a term that was not durable on its own disk" },
        { 372, "a leader whose log was still on its way to its disk" },
        { 931, "the receiver of a snapshot died, and the sender never heard" },
        { 1609, "a sole member lost entries that were not durable, and made others" },
    };
}
