using Etcd.Behaviour.Asking;

namespace Etcd.Behaviour.Cases;

/// <summary>
/// A conversation whose answers do not depend on which server gives them. What is to come of it is in testdata, as the real etcd
/// has said it, lifted to 3.7.1 by the known differences.
/// </summary>
/// <param name="Name">Its name, and its file's.</param>
/// <param name="RunAsync">Asks.</param>
internal sealed record Case(string Name, Func<Talk, Task> RunAsync)
{
    /// <summary>Whether it is for a server with small limits; see <see cref="Runner"/>.</summary>
    public bool IsTight { get; init; }

    /// <summary>The known differences that it shows; a case shows all that occur in it.</summary>
    public IReadOnlyList<KnownDifference> Shows { get; init; } = [];
}
