namespace Etcd.Server.Watch;

/// <summary>The sending side of one watch stream, implemented by whoever writes its responses to the client.</summary>
public interface IWatchOutput
{
    /// <summary>
    /// <see cref="WatchStream.TryTake"/> returned false before and would return true now. Called by the thread that drives
    /// the hub: it must return at once and must not take responses inside the call. Comes once for each time that the queue
    /// was found empty; may come once more after <see cref="WatchStream.Close"/>.
    /// </summary>
    void OnAvailable();
}
