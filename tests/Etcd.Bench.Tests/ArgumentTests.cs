using Etcd.Bench.Compare;
using Etcd.Bench.Failover;
using Etcd.Bench.Sdk;
using Etcd.Bench.Store;
using Etcd.Bench.Watch;

namespace Etcd.Bench.Tests;

/// <summary>Goal: a command means what was typed, and nothing typed is ignored. Method: the options that come of it.</summary>
public sealed class ArgumentTests
{
    [Fact]
    public void A_whole_comparison_writes_the_table_of_its_kind()
    {
        CompareOptions one = Compare();
        CompareOptions three = Compare("--members", "3");

        Assert.Equal((1, LoadTarget.All, "RESULTS.md"), (one.Members, one.Target, Path.GetFileName(one.MarkdownPath)));
        Assert.Equal((3, LoadTarget.All, "RESULTS-cluster.md"), (three.Members, three.Target, Path.GetFileName(three.MarkdownPath)));
    }

    [Fact]
    public void A_narrowed_comparison_writes_no_table()
    {
        Assert.Null(Compare("--members=3", "--target", "leader").MarkdownPath);
        Assert.Null(Compare("--members=3", "--ours-only", "--put-rate=1", "--range-rate=1").MarkdownPath);
        Assert.Equal("x.md", Compare("--members=3", "--clients", "100", "--markdown", "x.md").MarkdownPath);
    }

    [Fact]
    public void A_failover_is_of_three_members_and_fifty_kills()
    {
        FailoverOptions options = Failover();

        Assert.Equal((50, 3, true, true), (options.Kills, options.Members, options.RunEtcd, options.RunOurs));
        Assert.Equal("RESULTS-cluster.md", Path.GetFileName(options.MarkdownPath));
    }

    [Fact]
    public void A_narrowed_failover_writes_no_table()
    {
        FailoverOptions options = Failover("--kills", "3", "--members", "5", "--ours-only");

        Assert.Equal((3, 5, false, true, null), (options.Kills, options.Members, options.RunEtcd, options.RunOurs, options.MarkdownPath));
    }

    [Theory]
    [InlineData("--members 2: a cluster has 1, 3 or 5", "--members", "2")]
    [InlineData("--members 7: a whole number from 1 to 5 is needed", "--members", "7")]
    [InlineData("--members 1: nobody could take over; give 3 or 5", "--members", "1")]
    [InlineData("--kills 0: a whole number from 1 to 2147483647 is needed", "--kills", "0")]
    [InlineData("--ours-only and --etcd-only exclude each other", "--ours-only", "--etcd-only")]
    [InlineData("--server /does/not/exist: no such file", "--server", "/does/not/exist")]
    [InlineData("unknown option: --clients", "--clients", "1")]
    public void What_is_wrong_with_a_failover_is_said(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Failover(arguments)).Message);

    [Fact]
    public void A_whole_run_of_the_store_measures_all_and_writes_the_table()
    {
        StoreOptions options = Store();

        Assert.Equal((1_000_000, 300_000, true, true), (options.Keys, options.Revisions, options.AtRest, options.UnderLoad));
        Assert.Equal("RESULTS-store.md", Path.GetFileName(options.MarkdownPath));
    }

    [Fact]
    public void A_part_of_the_store_is_that_part_and_writes_no_table()
    {
        StoreOptions rest = Store("--part", "rest");
        StoreOptions load = Store("--part=load", "--seconds", "2.5");

        Assert.Equal((true, false, null), (rest.AtRest, rest.UnderLoad, rest.MarkdownPath));
        Assert.Equal((false, true, TimeSpan.FromSeconds(2.5)), (load.AtRest, load.UnderLoad, load.Phase));
        Assert.Equal("x.md", Store("--ours-only", "--markdown", "x.md").MarkdownPath);
    }

    [Theory]
    [InlineData("--part all-of-it: it is one of all, rest, load", "--part", "all-of-it")]
    [InlineData("--revisions 3: a whole number from 1000 to 2147483647 is needed", "--revisions", "3")]
    [InlineData("unknown option: --rate", "--rate", "1")]
    public void What_is_wrong_with_a_run_of_the_store_is_said(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Store(arguments)).Message);

    [Theory]
    [InlineData("--target follower: it is one of all, leader", "--target", "follower")]
    [InlineData("unknown option: --kills", "--kills", "1")]
    public void What_is_wrong_with_a_comparison_is_said(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Compare(arguments)).Message);

    [Fact]
    public void A_whole_measurement_of_the_client_writes_its_table_and_a_narrowed_one_does_not()
    {
        SdkOptions whole = Sdk();
        SdkOptions narrowed = Sdk("--operations", "put", "--callers", "1,10");

        Assert.Equal("RESULTS-sdk.md", Path.GetFileName(whole.MarkdownPath));
        Assert.Equal(["put", "get", "watch"], whole.Operations);
        Assert.Equal([1, 100, 1000], whole.Callers);
        Assert.Equal(["put"], narrowed.Operations);
        Assert.Equal([1, 10], narrowed.Callers);
        Assert.Null(narrowed.MarkdownPath);
        Assert.Equal("x.md", Sdk("--passes", "1", "--markdown", "x.md").MarkdownPath);
    }

    [Theory]
    [InlineData("--operations: delete is not one of put, get, watch", "--operations", "put,delete")]
    [InlineData("--callers 0: numbers above 0, with commas between", "--callers", "0")]
    [InlineData("--value-size 7: a whole number from 8 to 2147483647 is needed", "--value-size", "7")]
    public void What_is_wrong_with_a_measurement_of_the_client_is_said(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Sdk(arguments)).Message);

    [Fact]
    public void A_whole_run_of_watches_writes_its_table_and_a_narrowed_one_none()
    {
        WatchOptions whole = Watch("--passes", "1", "--warm-up", "2");

        Assert.Equal([1000, 10_000], whole.Watchers);
        Assert.Equal((1000, 10_000, "RESULTS-watch.md"), (whole.Behind, whole.History, Path.GetFileName(whole.MarkdownPath)));
        Assert.Null(Watch("--ours-only").MarkdownPath);
        Assert.Null(Watch("--watchers", "10").MarkdownPath);
        Assert.Null(Watch("--put-rate=100").MarkdownPath);
        Assert.Equal("x.md", Watch("--puts=1", "--markdown", "x.md").MarkdownPath);
    }

    private static WatchOptions Watch(params string[] arguments) => WatchCommand.Parse(new CommandLine(arguments), "watch");

    private static CompareOptions Compare(params string[] arguments) => CompareCommand.Parse(new CommandLine(arguments), "compare");

    private static FailoverOptions Failover(params string[] arguments) => FailoverCommand.Parse(new CommandLine(arguments), "failover");

    private static SdkOptions Sdk(params string[] arguments) => SdkCommand.Parse(new CommandLine(arguments), "sdk");

    private static StoreOptions Store(params string[] arguments) => StoreCommand.Parse(new CommandLine(arguments), "store");
}
