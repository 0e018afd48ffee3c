using System.Globalization;

namespace Etcd.Protocol.Tests;

/// <summary>Seeds of random tests: a new one each time, printed, and set by ETCD_TEST_SEED to run a failure again.</summary>
internal static class Seeds
{
    public static int Next()
    {
        var given = Environment.GetEnvironmentVariable("ETCD_TEST_SEED");
        var seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"ETCD_TEST_SEED={seed}");
        return seed;
    }
}
