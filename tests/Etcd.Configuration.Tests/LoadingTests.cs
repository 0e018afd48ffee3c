using Etcd.Configuration.Tests.Suites;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests;

/// <summary>
/// Goal: a load, which blocks its caller as configuration does, always ends. Method: callers whose threads could be waited for: one with a
/// synchronization context that runs nothing meanwhile, and as many threads of the pool as there are, on which client and server work too.
/// </summary>
public sealed class LoadingTests(OurEtcd etcd) : ConfigurationSuite, IClassFixture<OurEtcd>
{
    // More than the pool begins with on any machine that tests run on, and each with a client of its own.
    private static readonly int Loads = (2 * Environment.ProcessorCount) + 16;

    protected override string Url => etcd.Url;

    [Fact]
    public async Task A_load_needs_nothing_of_its_callers_synchronization_context()
    {
        await PutAsync("Paint/Color", "blue");
        var context = new SilentContext();

        // On a thread of its own, which ends with its context.
        string? color = await Task.Factory.StartNew(
            () =>
            {
                SynchronizationContext.SetSynchronizationContext(context);
                IConfigurationRoot root = Build(source => source.AddPrefix(Prefix));
                root.Reload();
                return root["Paint:Color"];
            },
            Token,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).WaitAsync(Patience, Token);

        Assert.Equal("blue", color);
        Assert.Equal(0, context.Posted);
    }

    [Fact]
    public async Task Loads_on_all_threads_of_the_pool_do_not_starve_each_other()
    {
        await PutAsync("Paint/Color", "blue");
        using var together = new Barrier(Environment.ProcessorCount);

        Task<string?>[] loads = [.. Enumerable.Range(0, Loads).Select(i => Task.Run(() =>
        {
            // The first ones hold every thread that the pool begins with before any of them has loaded.
            if (i < Environment.ProcessorCount)
            {
                together.SignalAndWait(Token);
            }

            return Build(source => source.AddPrefix(Prefix))["Paint:Color"];
        }))];

        Assert.All(await Task.WhenAll(loads).WaitAsync(Patience, Token), color => Assert.Equal("blue", color));
    }

    /// <summary>As that of a thread that is blocked: what is posted to it never runs.</summary>
    private sealed class SilentContext : SynchronizationContext
    {
        private int _posted;

        public int Posted => Volatile.Read(ref _posted);

        public override void Post(SendOrPostCallback d, object? state) => Interlocked.Increment(ref _posted);
    }
}
