using System.Diagnostics.CodeAnalysis;

namespace Etcd.Server.Primitives;

/// <summary>
/// Checks that stay on in release builds. A failed one means that this process no longer knows that its state is
/// right, so the member must stop serving rather than answer from it.
/// </summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantException"/> unless <paramref name="holds"/>.</summary>
    /// <param name="holds">What must be true.</param>
    /// <param name="claim">The claim in words, for the one who reads the crash.</param>
    public static void Check([DoesNotReturnIf(false)] bool holds, string claim)
    {
        if (!holds)
        {
            Fail(claim);
        }
    }

    /// <summary>Throws always: for places that must not be reached.</summary>
    /// <param name="claim">What was believed to be impossible.</param>
    [DoesNotReturn]
    public static void Fail(string claim) => throw new InvariantException(claim);
}

/// <summary>An <see cref="Invariant"/> did not hold. Never caught to go on; the owner stops the member.</summary>
/// <param name="claim">The claim that failed.</param>
public sealed class InvariantException(string claim) : Exception("invariant violated: " + claim);
