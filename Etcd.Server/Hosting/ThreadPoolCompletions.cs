using Etcd.Server.Node;

namespace Etcd.Server.Hosting;

/// <summary>Gives answers on the thread pool, where Kestrel's own work runs too.</summary>
internal sealed class ThreadPoolCompletions : ICompletions
{
    /// <inheritdoc/>
    public void Post(IThreadPoolWorkItem work) => ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
}
