using Etcd.Bench.Watch;

namespace Etcd.Bench.Tests;

/// <summary>Goal: the figure is what came between two looks. Method: pages as a server writes them.</summary>
public sealed class ApplyHeldTests
{
    [Fact]
    public void The_figure_is_of_what_came_between()
    {
        ApplyHeld before = ApplyHeld.Parse(Page(5, 7, 9, 9));
        ApplyHeld after = ApplyHeld.Parse(Page(15, 18, 20, 20));
        ApplyHeld between = after.Since(before);

        // 10 up to half a millisecond, 1 up to one, none up to two.
        Assert.Equal((11, 0, 1.0), (between.Count, between.OverOneMillisecond, between.LongestMilliseconds));
        Assert.Equal((9, 2, 2.0), (before.Count, before.OverOneMillisecond, before.LongestMilliseconds));
    }

    [Fact]
    public void What_is_longer_than_all_bounds_is_seen()
    {
        ApplyHeld held = ApplyHeld.Parse(Page(1, 1, 1, 2));

        Assert.Equal((2, 1, double.PositiveInfinity), (held.Count, held.OverOneMillisecond, held.LongestMilliseconds));
    }

    [Fact]
    public void A_server_without_the_figure_has_none()
    {
        ApplyHeld none = ApplyHeld.Parse("etcd_debugging_mvcc_watcher_total 1\n");

        Assert.Equal((0, 0), (none.Count, none.OverOneMillisecond));
        Assert.Equal(double.NaN, none.Since(none).LongestMilliseconds);
    }

    private static string Page(int half, int one, int two, int all) => $$"""
        # TYPE etcd_debugging_watch_apply_held_duration_seconds histogram
        etcd_debugging_watch_apply_held_duration_seconds_bucket{le="0.0005"} {{half}}
        etcd_debugging_watch_apply_held_duration_seconds_bucket{le="0.001"} {{one}}
        etcd_debugging_watch_apply_held_duration_seconds_bucket{le="0.002"} {{two}}
        etcd_debugging_watch_apply_held_duration_seconds_bucket{le="+Inf"} {{all}}
        etcd_debugging_watch_apply_held_duration_seconds_sum 0.01
        etcd_debugging_watch_apply_held_duration_seconds_count {{all}}
        """;
}
