using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>A sequence of requests whose answers do not depend on which server gives them.</summary>
/// <param name="Name">Its name, also in <see cref="KnownDifference.Scenario"/>.</param>
/// <param name="Steps">The requests; each adds its answer, if any, to the session.</param>
internal sealed record Scenario(string Name, params IReadOnlyList<IStep> Steps)
{
    /// <summary>The members' flags, as 3.7 calls them.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>Further flags of this project's member alone.</summary>
    public IReadOnlyList<string> OurFlags { get; init; } = [];

    public async Task<IReadOnlyList<Answer>> RunAsync(Session session)
    {
        foreach (IStep step in Steps)
        {
            await step.RunAsync(session);
        }

        return session.Answers;
    }
}
