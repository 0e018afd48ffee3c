using System.Globalization;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Seeds for random tests: fixed ones, so that a run is repeatable, or the one in ETCD_TEST_SEED. ETCD_TEST_SEEDS says how many, in the place of
/// each test's own number. A failure names its seed.
/// </summary>
internal static class TestSeed
{
    public static void ForEach(int count, Action<Random> body)
    {
        if (Environment.GetEnvironmentVariable("ETCD_TEST_SEED") is { Length: > 0 } one)
        {
            Run(int.Parse(one, CultureInfo.InvariantCulture), body);
            return;
        }

        if (Environment.GetEnvironmentVariable("ETCD_TEST_SEEDS") is { Length: > 0 } many)
            count = int.Parse(many, CultureInfo.InvariantCulture);

        for (int seed = 1; seed <= count; seed++)
            Run(seed, body);
    }

    private static void Run(int seed, Action<Random> body)
    {
        try
        {
            body(new Random(seed));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"failed with seed {seed}; repeat it with ETCD_TEST_SEED={seed}: {e.Message}", e);
        }
    }
}
