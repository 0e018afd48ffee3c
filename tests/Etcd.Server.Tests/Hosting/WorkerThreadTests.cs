using Etcd.Server.Hosting;

namespace Etcd.Server.Tests.Hosting;

/// <summary>When a step is called again.</summary>
public sealed class WorkerThreadTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static TheoryData<TimeSpan> Waits => [Timeout.InfiniteTimeSpan, TimeSpan.FromHours(1), TimeSpan.FromDays(50), TimeSpan.MaxValue];

    [Theory]
    [MemberData(nameof(Waits))]
    public void AWakeUpEndsAnyWait(TimeSpan wait)
    {
        using var called = new SemaphoreSlim(0);
        using var worker = new WorkerThread("test", () =>
        {
            called.Release();
            return wait;
        });
        worker.Start();
        for (int i = 0; i < 3; i++)
        {
            Assert.True(called.Wait(Deadline, TestContext.Current.CancellationToken));
            worker.Wake();
        }
    }

    [Fact]
    public void AStepThatHasMoreToDoIsCalledAgainAtOnceAndDisposingEndsIt()
    {
        using var called = new SemaphoreSlim(0);
        int left = 1000;
        var worker = new WorkerThread("test", () =>
        {
            called.Release();
            return Interlocked.Decrement(ref left) > 0;
        });
        worker.Start();
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(called.Wait(Deadline, TestContext.Current.CancellationToken));
        }

        worker.Dispose();
        worker.Wake();
        Assert.Equal(0, called.CurrentCount);
    }
}
