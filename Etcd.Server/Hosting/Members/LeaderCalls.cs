using Etcd.Protocol.Errors;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// Requests that only the leader can answer, made by any member: here if this member leads, else over the peers' port; tried again
/// while leaders change, until the request timeout. Any thread.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="cluster">Where leaders live.</param>
/// <param name="clock">The time.</param>
/// <param name="requestTimeout">How long one request is tried.</param>
internal sealed class LeaderCalls(MemberNode node, ClusterState cluster, TimeProvider clock, TimeSpan requestTimeout)
{
    // Between two attempts, so that a leader in trouble is not asked in a busy loop (etcd: 50 ms).
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until there is an answer.</summary>
    /// <param name="here">Asks this member; false if it does not lead (any more).</param>
    /// <param name="there">Asks the leader at its peer URLs.</param>
    /// <param name="isFinal">Whether an error of the leader's is the answer; others are tried again.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Faults with Timeout, or NoLeader if there was none to ask, or Canceled.</returns>
    public async Task<T> AskAsync<T>(
        Func<CancellationToken, Task<(bool Answered, T Answer)>> here,
        Func<IReadOnlyList<string>, CancellationToken, Task<T>> there,
        Func<EtcdError, bool> isFinal,
        CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(requestTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        bool leaderKnown = true;
        while (!either.IsCancellationRequested)
        {
            try
            {
                if (!node.LeadsIn.Equals(default))
                {
                    (bool answered, T answer) = await here(either.Token).ConfigureAwait(false);
                    if (answered)
                    {
                        return answer;
                    }
                }
                else
                {
                    Member? leader = cluster.Current.Find(node.Leader);
                    leaderKnown = leader is not null;
                    if (leader is { PeerUrls.Count: > 0 })
                    {
                        return await there(leader.PeerUrls, either.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (EtcdErrorException e) when (e.Error == EtcdErrors.Stopped || isFinal(e.Error))
            {
                throw;
            }
            catch (Exception e) when (e is EtcdErrorException or PeerCallException or OperationCanceledException)
            {
                // The leader is changing, or cannot be reached: who leads in a moment is asked.
            }

            await SleepAsync(either.Token).ConfigureAwait(false);
        }

        throw (cancellation.IsCancellationRequested ? EtcdErrors.Canceled
            : leaderKnown ? EtcdErrors.Timeout : EtcdErrors.NoLeader).ToException();
    }

    private async Task SleepAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }
}
