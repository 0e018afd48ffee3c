namespace Etcd.Server.Node;

/// <summary>
/// Where the continuations of completed requests run: never inside the step that completed them, because they belong to
/// callers. Hosting gives the thread pool; the simulator runs them in its own order.
/// </summary>
public interface ICompletions
{
    /// <summary>Runs a piece of work soon, on a thread that may be blocked by nobody but the work itself.</summary>
    /// <param name="work">The work.</param>
    void Post(IThreadPoolWorkItem work);
}
