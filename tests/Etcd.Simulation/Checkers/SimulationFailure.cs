namespace Etcd.Simulation.Checkers;

/// <summary>Something that must never happen has happened.</summary>
/// <param name="checker">Which rule, in a word or two; mutation tests and the ledger of findings go by it.</param>
/// <param name="what">What was seen.</param>
/// <param name="inner">The exception that led here, if one did.</param>
internal sealed class SimulationFailure(string checker, string what, Exception? inner = null)
    : Exception(checker + ": " + what, inner)
{
    /// <summary>Which rule was violated.</summary>
    public string Checker { get; } = checker;
}
