using Etcd.TestKit.Linearizability;

namespace Etcd.Server.Tests.Linearizability;

/// <summary>
/// Goal: the checker accepts what a correct store may answer and refuses what it may not, or every test that rests on it
/// proves nothing. Method: histories by hand for each kind of fault, then random histories of a correct store with one
/// answer falsified.
/// </summary>
public sealed class LinearizabilityCheckerTests
{
    [Fact]
    public void Operations_one_after_the_other_are_linearizable() => Assert.Null(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 10, revision: 2),
        Get("a", 20, 30, revision: 2, new KvEntry("1", 2, 2, 1)),
        Put("a", "2", 40, 50, revision: 3),
        Get("a", 60, 70, revision: 3, new KvEntry("2", 2, 3, 2)),
        Delete("a", 80, 90, revision: 4, found: true),
        Get("a", 100, 110, revision: 4, null),
        Delete("a", 120, 130, revision: 4, found: false),
    ]));

    [Fact]
    public void Overlapping_writes_may_take_place_in_either_order() => Assert.Null(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 100, revision: 3),
        Put("a", "2", 10, 90, revision: 2),
        Get("a", 110, 120, revision: 3, new KvEntry("1", 2, 3, 2)),
    ]));

    [Fact]
    public void A_read_of_what_was_overwritten_before_it_began_is_refused() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 10, revision: 2),
        Put("a", "2", 20, 30, revision: 3),
        Get("a", 40, 50, revision: 2, new KvEntry("1", 2, 2, 1)),
    ]));

    [Fact]
    public void A_lost_acknowledged_write_is_refused() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 10, revision: 2),
        Get("a", 20, 30, revision: 1, null),
    ]));

    [Fact]
    public void Reads_that_go_back_in_time_are_refused() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 10, revision: 2),
        Put("a", "2", 20, 100, revision: 3),
        Get("a", 30, 40, revision: 3, new KvEntry("2", 2, 3, 2)),
        Get("a", 50, 60, revision: 2, new KvEntry("1", 2, 2, 1)),
    ]));

    [Fact]
    public void One_revision_for_two_writes_is_refused() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Put("a", "1", 0, 10, revision: 2),
        Put("b", "2", 0, 10, revision: 2),
    ]));

    [Fact]
    public void Two_transactions_that_compare_with_the_same_revision_cannot_both_win() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        CompareAndPut("a", "1", expected: 0, 0, 100, new KvAnswer(2, true, null)),
        CompareAndPut("a", "2", expected: 0, 0, 100, new KvAnswer(3, true, null)),
    ]));

    [Fact]
    public void A_transaction_that_lost_read_what_won() => Assert.Null(LinearizabilityChecker.Check(
    [
        CompareAndPut("a", "1", expected: 0, 0, 100, new KvAnswer(2, true, null)),
        CompareAndPut("a", "2", expected: 0, 0, 100, new KvAnswer(2, false, new KvEntry("1", 2, 2, 1))),
    ]));

    [Fact]
    public void A_write_without_an_answer_may_have_been_carried_out_late_or_never()
    {
        KvOperation unknown = Unknown(KvOperationKind.Put, "a", "1", 0);
        Assert.Null(LinearizabilityChecker.Check([unknown, Get("a", 10, 20, revision: 1, null)]));
        Assert.Null(LinearizabilityChecker.Check(
            [unknown, Get("a", 10, 20, revision: 1, null), Get("a", 30, 40, revision: 2, new KvEntry("1", 2, 2, 1))]));
        Assert.NotNull(LinearizabilityChecker.Check(
            [unknown, Get("a", 10, 20, revision: 2, new KvEntry("1", 2, 2, 1)), Get("a", 30, 40, revision: 1, null)]));
    }

    [Fact]
    public void A_write_without_an_answer_is_not_carried_out_twice() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Unknown(KvOperationKind.Put, "a", "1", 0),
        Get("a", 10, 20, revision: 2, new KvEntry("1", 2, 2, 1)),
        Put("a", "2", 30, 40, revision: 3),
        Get("a", 50, 60, revision: 4, new KvEntry("1", 2, 4, 3)),
    ]));

    [Fact]
    public void A_write_takes_no_place_before_its_call() => Assert.NotNull(LinearizabilityChecker.Check(
    [
        Get("a", 0, 10, revision: 2, new KvEntry("1", 2, 2, 1)),
        Put("a", "1", 20, 30, revision: 2),
    ]));

    [Fact]
    public void Random_histories_of_a_correct_store_pass_and_falsified_ones_do_not()
    {
        int falsified = 0;
        for (int seed = 1; seed <= 60; seed++)
        {
            (List<KvOperation> history, List<KvEvent> events) =
                RandomHistory.Make(seed, operations: 300, clients: 8, unanswered: seed % 3 == 0 ? 0.1 : 0);
            string? verdict = LinearizabilityChecker.Check(history, events);
            Assert.True(verdict is null, $"seed {seed}: {verdict}");
            if (RandomHistory.Falsify(history, seed) is { } false_)
            {
                falsified++;
                Assert.True(LinearizabilityChecker.Check(false_, events) is not null, $"seed {seed}: a falsified history passed");
            }
        }

        Assert.True(falsified > 30, $"only {falsified} histories could be falsified");
    }

    [Fact]
    public void A_long_history_with_many_unanswered_calls_is_checked_without_an_explosion()
    {
        (List<KvOperation> history, List<KvEvent> events) = RandomHistory.Make(7, operations: 30_000, clients: 20, unanswered: 0.01);
        Assert.Null(LinearizabilityChecker.Check(history, events));
    }

    [Fact]
    public void Answers_that_a_watch_contradicts_are_refused() => Assert.NotNull(LinearizabilityChecker.Check(
        [Put("a", "1", 0, 10, revision: 2), Put("a", "2", 20, 30, revision: 3)],
        [new KvEvent(2, "a", "1"), new KvEvent(3, "a", "3")]));

    private static KvOperation Put(string key, string value, long from, long to, long revision) =>
        new(KvOperationKind.Put, key, value, 0, from, to, new KvAnswer(revision, true, null));

    private static KvOperation Delete(string key, long from, long to, long revision, bool found) =>
        new(KvOperationKind.Delete, key, null, 0, from, to, new KvAnswer(revision, found, null));

    private static KvOperation Get(string key, long from, long to, long revision, KvEntry? found) =>
        new(KvOperationKind.Get, key, null, 0, from, to, new KvAnswer(revision, true, found));

    private static KvOperation CompareAndPut(string key, string value, long expected, long from, long to, KvAnswer answer) =>
        new(KvOperationKind.CompareAndPut, key, value, expected, from, to, answer);

    private static KvOperation Unknown(KvOperationKind kind, string key, string value, long from) =>
        new(kind, key, value, 0, from, null, null);
}
