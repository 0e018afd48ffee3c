namespace Etcd.TestKit;

/// <summary>
/// Counts what a piece of code allocates on its thread. A collection that another test causes adds the unused rest of the
/// thread's allocation buffer to the runtime's count, so the work is done in several batches and the least is taken: code that
/// allocates does so in each of them.
/// </summary>
public static class Allocations
{
    private const int Batches = 10;

    /// <summary>The bytes that the cheapest of several batches of calls has allocated, after one batch to warm up.</summary>
    /// <param name="callsPerBatch">Calls in a batch.</param>
    /// <param name="body">The code.</param>
    public static long OfTheLeastBatch(int callsPerBatch, Action body)
    {
        long least = long.MaxValue;
        for (int batch = 0; batch <= Batches; batch++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int call = 0; call < callsPerBatch; call++)
            {
                body();
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            least = batch == 0 ? least : Math.Min(least, allocated);
        }

        return least;
    }
}
