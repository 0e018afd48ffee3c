namespace Etcd.Server.Watch;

/// <summary>The sending side of one watch stream, implemented by whoever writes its responses to the client.</summary>
public interface IWatchOutput
{
    /// <summary>
    /// <see cref="WatchStream.TryTake"/> returned false before and would return true now. Called by who has the hub's turn, when
    /// the step is over that brought the responses: it must return soon, because others wait for the turn; it may take responses
    /// and write what is taken at once. Comes once for each time that the queue was found empty; may come once more after
    /// <see cref="WatchStream.Close"/>. What it throws ends the member.
    /// </summary>
    void OnAvailable();
}
