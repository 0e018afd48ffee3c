using AppHost.Supervision;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>How long a dead process waits for its restart.</summary>
public sealed class RestartPolicyTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Deaths_in_a_row_wait_twice_as_long_each_up_to_the_limit()
    {
        var policy = new RestartPolicy();
        var delays = Enumerable.Range(0, 12).Select(_ =>
        {
            policy.Started(s_start);
            return policy.Died(s_start.AddSeconds(1));
        }).ToArray();

        Assert.Equal(RestartPolicy.FirstDelay, delays[0]);
        Assert.Equal(RestartPolicy.FirstDelay * 2, delays[1]);
        Assert.Equal(RestartPolicy.FirstDelay * 4, delays[2]);
        Assert.Equal(RestartPolicy.DelayMax, delays[^1]);
        Assert.Equal(12, policy.Restarts);
    }

    [Fact]
    public void A_long_run_is_a_new_beginning()
    {
        var policy = new RestartPolicy();
        policy.Started(s_start);
        policy.Died(s_start);
        policy.Started(s_start);

        Assert.Equal(RestartPolicy.FirstDelay, policy.Died(s_start + RestartPolicy.LongRun));
    }
}
