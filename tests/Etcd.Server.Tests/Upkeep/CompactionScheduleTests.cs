using Etcd.Server.Node.Compaction;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>
/// Goal: history is compacted when etcd would compact it, and to the same revision. Method: a clock that the test moves by ticks, a store
/// whose revision is the number of ticks gone by, and the list of what was asked for.
/// </summary>
public sealed class CompactionScheduleTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<(TimeSpan At, long Revision)> _compactions = [];
    private long _revision = 1;
    private bool _isPaused;
    private bool _fails;

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    [Fact]
    public void An_hour_is_waited_for_and_then_every_hour_what_is_an_hour_old_goes()
    {
        var schedule = new PeriodicSchedule(TimeSpan.FromHours(1), _clock);
        Assert.Equal(Minutes(6), schedule.RetryInterval);
        Run(schedule, Minutes(6), times: 35);

        // One revision in six minutes, the first noted at once: after an hour that is the oldest note still. Later there are eleven, the
        // newest six minutes old. These are the figures of etcd's own tests.
        Assert.Equal([(Minutes(60), 1L), (Minutes(120), 10L), (Minutes(180), 20L)], _compactions);
    }

    [Fact]
    public void Of_a_day_the_last_24_hours_are_kept_and_the_rest_goes_hourly()
    {
        Run(new PeriodicSchedule(TimeSpan.FromHours(24), _clock), Minutes(6), times: 10 * 26 + 1);
        Assert.Equal([(TimeSpan.FromHours(24), 1L), (TimeSpan.FromHours(25), 10L), (TimeSpan.FromHours(26), 20L)], _compactions);
    }

    [Fact]
    public void Of_half_an_hour_the_rest_goes_half_hourly()
    {
        Run(new PeriodicSchedule(Minutes(30), _clock), Minutes(3), times: 31);
        Assert.Equal([(Minutes(30), 1L), (Minutes(60), 10L), (Minutes(90), 20L)], _compactions);
    }

    [Fact]
    public void Looking_more_often_changes_nothing()
    {
        Run(new PeriodicSchedule(Minutes(30), _clock), TimeSpan.FromSeconds(1), times: 91 * 60, ticksPerRevision: 180);
        Assert.Equal(3, _compactions.Count);
        Assert.All(_compactions.Zip((long[])[1, 10, 20]), pair => Assert.Equal(pair.Second, pair.First.Revision));
    }

    [Fact]
    public void Nothing_new_is_not_compacted_again()
    {
        var schedule = new PeriodicSchedule(Minutes(10), _clock);
        Run(schedule, Minutes(1), times: 60, ticksPerRevision: int.MaxValue);
        Assert.Single(_compactions);
    }

    [Fact]
    public void One_that_failed_is_tried_again_after_a_tenth_with_what_is_a_period_old_then()
    {
        _fails = true;
        var schedule = new PeriodicSchedule(TimeSpan.FromHours(1), _clock);
        Run(schedule, Minutes(6), times: 13);
        _fails = false;
        Run(schedule, Minutes(6), times: 13);
        Assert.Equal([(Minutes(60), 1L), (Minutes(66), 1L), (Minutes(72), 2L), (Minutes(78), 3L), (Minutes(138), 13L)], _compactions);
    }

    [Fact]
    public void A_paused_one_goes_on_to_note_and_compacts_as_soon_as_it_may()
    {
        _isPaused = true;
        var schedule = new PeriodicSchedule(TimeSpan.FromHours(1), _clock);
        Run(schedule, Minutes(6), times: 30);
        Assert.Empty(_compactions);
        _isPaused = false;
        Run(schedule, Minutes(6), times: 1);
        Assert.Equal([(Minutes(180), 20L)], _compactions);
    }

    [Fact]
    public void While_one_is_under_way_no_other_is_asked_for()
    {
        var schedule = new PeriodicSchedule(Minutes(10), _clock);
        long? asked = null;
        for (int i = 0; asked is null; i++)
        {
            asked = schedule.Next(i, isPaused: false);
            _clock.Advance(Minutes(1));
        }

        for (int i = 0; i < 100; i++)
        {
            _clock.Advance(Minutes(1));
            Assert.Null(schedule.Next(1000, isPaused: false));
        }

        schedule.Done(asked.Value, succeeded: true);
        Assert.Null(schedule.Next(1000, isPaused: false));
    }

    [Fact]
    public void Every_five_minutes_what_is_more_than_so_many_revisions_back_goes()
    {
        Run(new RevisionSchedule(10, _clock), Minutes(1), times: 31);
        Assert.Equal([(Minutes(10), 1L), (Minutes(15), 6L), (Minutes(20), 11L), (Minutes(25), 16L), (Minutes(30), 21L)], _compactions);
    }

    [Fact]
    public void By_revisions_too_a_pause_is_kept_a_failure_tried_again_and_nothing_new_left_alone()
    {
        var schedule = new RevisionSchedule(10, _clock);
        _isPaused = true;
        Run(schedule, Minutes(1), times: 20);
        Assert.Empty(_compactions);
        (_isPaused, _fails) = (false, true);
        Run(schedule, Minutes(1), times: 10, ticksPerRevision: int.MaxValue);
        (_, _fails) = (true, false);
        Run(schedule, Minutes(1), times: 20, ticksPerRevision: int.MaxValue);
        Assert.Equal([(Minutes(20), 11L), (Minutes(25), 11L), (Minutes(30), 11L)], _compactions);
    }

    private void Run(ICompactionSchedule schedule, TimeSpan tick, int times, int ticksPerRevision = 1)
    {
        for (int i = 1; i <= times; i++)
        {
            if (schedule.Next(_revision, _isPaused) is { } revision)
            {
                _compactions.Add((_clock.Elapsed, revision));
                schedule.Done(revision, !_fails);
                Assert.Null(schedule.Next(_revision, _isPaused));
            }

            _clock.Advance(tick);
            _revision += i % ticksPerRevision == 0 ? 1 : 0;
        }
    }
}
