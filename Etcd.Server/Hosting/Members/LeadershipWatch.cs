using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// Looks at every tick who leads: tells the log, ends the streams of clients that ask for a leader when there is none for three
/// election timeouts, and says when ticks, and with them heartbeats, come late. <see cref="Tick"/>: the timer; the rest: any thread.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="self">This member.</param>
/// <param name="cluster">Says which version was agreed on.</param>
/// <param name="heartbeat">The time of a tick.</param>
/// <param name="electionTicks">Ticks of an election timeout.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where it is told.</param>
internal sealed class LeadershipWatch(
    MemberNode node, MemberId self, Membership.ClusterState cluster, TimeSpan heartbeat, int electionTicks, TimeProvider clock, ILogger log) : IDisposable
{
    private const int TimeoutsWithoutLeader = 3;

    private CancellationTokenSource _lost = new();
    private MemberId _leader;
    private Term _ledIn;
    private string? _version;
    private long _lastTick;
    private int _ticksWithoutLeader;

    /// <summary>See <see cref="IMemberStatus.LeaderLost"/>.</summary>
    public CancellationToken LeaderLost => Volatile.Read(ref _lost).Token;

    /// <summary>A heartbeat interval has passed.</summary>
    public void Tick()
    {
        TellLateness();
        TellLeader();
        TellVersion();
        _ticksWithoutLeader = node.Leader.IsNone ? _ticksWithoutLeader + 1 : 0;
        if (_ticksWithoutLeader > 0 && _ticksWithoutLeader % (TimeoutsWithoutLeader * electionTicks) == 0)
        {
            // Not disposed: somebody may be about to take its token. Thousands of streams may end by it: not on the thread of the ticks.
            _ = Interlocked.Exchange(ref _lost, new CancellationTokenSource()).CancelAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lost.Dispose();

    private void TellLateness()
    {
        long now = clock.GetTimestamp();
        TimeSpan since = clock.GetElapsedTime(_lastTick, now);
        if (_lastTick != 0 && since > 2 * heartbeat && node.LeadsIn != default)
        {
            node.Figures.CountLateHeartbeats(cluster.Current.Members.Count - 1);
            HostingLog.HeartbeatLate(log, heartbeat.ToString(), (since - heartbeat).ToString());
        }

        _lastTick = now;
    }

    private void TellLeader()
    {
        MemberId leader = node.Leader;
        Term led = node.LeadsIn;
        ulong term = node.Term.Value;
        if (led != default && led != _ledIn)
        {
            HostingLog.BecameLeader(log, self.ToString(), term);
        }
        else if (led == default && _ledIn != default)
        {
            HostingLog.BecameFollower(log, self.ToString(), term);
        }

        if (leader != _leader)
        {
            if (_leader.IsNone)
            {
                HostingLog.ElectedLeader(log, self.ToString(), leader.ToString(), term);
            }
            else if (leader.IsNone)
            {
                HostingLog.LostLeader(log, self.ToString(), _leader.ToString(), term);
            }
            else
            {
                HostingLog.ChangedLeader(log, self.ToString(), _leader.ToString(), leader.ToString(), term);
            }
        }

        _leader = leader;
        _ledIn = led;
    }

    private void TellVersion()
    {
        string? version = cluster.Current.Version;
        if (version is null || version == _version)
        {
            return;
        }

        string clusterId = cluster.ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        if (_version is null)
        {
            HostingLog.ClusterVersionSet(log, clusterId, version);
        }
        else
        {
            HostingLog.ClusterVersionUpdated(log, clusterId, _version, version);
        }

        _version = version;
    }
}
