using System.Globalization;

namespace Etcd.Interop.Tests.Client.Proofs;

/// <summary>How much a proof does: little in every run, the whole with ETCD_PROOF=full.</summary>
internal static class ProofSize
{
    /// <summary>Whether the whole is asked for.</summary>
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("ETCD_PROOF") == "full";

    /// <summary>The seed of what is left to chance; ETCD_PROOF_SEED repeats one.</summary>
    public static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("ETCD_PROOF_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : Random.Shared.Next();

    /// <summary>One of two sizes.</summary>
    public static int Of(int normal, int full) => IsFull ? full : normal;
}
