namespace Etcd.Interop.Tests.Comparison;

/// <summary>
/// A difference between the contract, etcd 3.7.1, and the reference that is at hand, 3.5.16. It must occur in each
/// comparison of that step: neither an unlisted difference passes nor a listed one that no longer occurs.
/// </summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Step">The step whose answer differs, as the session names it.</param>
/// <param name="Reference">3.5.16's lines, one below the other.</param>
/// <param name="Contract">3.7.1's lines in their place; empty if it has none.</param>
/// <param name="Source">Where 3.7.1's source says so.</param>
internal sealed record KnownDifference(string Scenario, string Step, string Reference, string Contract, string Source)
{
    /// <summary>Puts 3.7.1's lines in the place of 3.5.16's; null if those do not occur.</summary>
    public string? Apply(string reference)
    {
        string block = "\n" + reference + "\n";
        int at = block.IndexOf("\n" + Reference + "\n", StringComparison.Ordinal);
        return at < 0
            ? null
            : (block[..at] + (Contract.Length > 0 ? "\n" + Contract : "") + block[(at + Reference.Length + 1)..]).Trim('\n');
    }
}
