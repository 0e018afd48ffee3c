using Etcd.Server.Hosting.Upkeep;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>A tick that takes longer than the time to the next one. Method: ticks that wait for the test, each on a thread of its own.</summary>
public sealed class TickGateTests
{
    private readonly TickGate _gate = new();

    [Fact]
    public void ATickThatStillRunsDoesNotRunTwice()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        int ran = 0;
        var slow = new Thread(() => _gate.Run(() =>
        {
            ran++;
            entered.Set();
            leave.Wait();
        }));
        slow.Start();
        entered.Wait(TestContext.Current.CancellationToken);

        // It returns, and so it neither runs nor waits.
        _gate.Run(() => ran++);

        Assert.Equal(1, ran);
        leave.Set();
        slow.Join();
        _gate.Run(() => ran++);
        Assert.Equal(2, ran);
    }

    [Fact]
    public void ATickThatFailsLetsTheNextOneIn()
    {
        Assert.Throws<InvalidOperationException>(() => _gate.Run(() => throw new InvalidOperationException("the tick's own")));
        bool ran = false;

        _gate.Run(() => ran = true);

        Assert.True(ran);
    }
}
