namespace Etcd.Interop.Tests.Comparison;

/// <summary>What one step of a scenario got, as lines that are comparable between two servers.</summary>
/// <param name="Step">What was asked, for people and for <see cref="KnownDifference.Step"/>.</param>
/// <param name="Lines">The answer: one line per field.</param>
internal sealed record Answer(string Step, IReadOnlyList<string> Lines);
