using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Peer;

/// <summary>Goal: whoever reaches the peer port cannot fill the memory by names that nobody bears.</summary>
public sealed class PeerMetricsTests
{
    [Fact]
    public void SendersWithoutEndAreNotToldApart()
    {
        var metrics = new PeerMetrics();
        metrics[new MemberId(1)].CountReceived(5);
        for (ulong sender = 2; sender < 5000; sender++)
        {
            metrics[new MemberId(sender)].CountReceived(1);
            metrics.CountReceiveFailure($"10.0.{sender / 256}.{sender % 256}");
        }

        Assert.Equal(1024, metrics.Peers.Count());
        Assert.Equal(1024, metrics.ReceiveFailuresByAddress.Count());
        Assert.Equal(5, metrics[new MemberId(1)].ReceivedBytes);
    }
}
