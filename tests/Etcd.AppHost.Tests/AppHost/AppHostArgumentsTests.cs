using AppHost.Arguments;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>The command line: what it means, and that nothing unknown is ignored.</summary>
public sealed class AppHostArgumentsTests
{
    [Fact]
    public void Nothing_means_the_default_cluster_on_etcds_ports()
    {
        var parsed = AppHostArguments.Parse([]);

        Assert.Equal(3, parsed.Members);
        Assert.Null(parsed.PortBase);
        Assert.Equal("etcd", parsed.Cluster);
        Assert.False(parsed.Fresh);
        Assert.True(parsed.Samples);
        Assert.Null(parsed.Answer);
    }

    [Fact]
    public void The_cluster_can_be_alone() => Assert.False(AppHostArguments.Parse(["--no-samples"]).Samples);

    [Theory]
    [InlineData("--port-base", "5000")]
    [InlineData("--port-base=5000")]
    public void A_value_stands_after_a_space_or_an_equals_sign(params string[] args) =>
        Assert.Equal(5000, AppHostArguments.Parse(args).PortBase);

    [Theory]
    [InlineData(1, "--members", "1")]
    [InlineData(3, "--members=3")]
    [InlineData(5, "--members", "5")]
    public void A_cluster_has_an_odd_number_of_members(int members, params string[] args) =>
        Assert.Equal(members, AppHostArguments.Parse(args).Members);

    [Fact]
    public void Configuration_of_the_host_is_handed_on()
    {
        var parsed = AppHostArguments.Parse(["--fresh", "Etcd:Executable=/bin/etcd", "--Logging:LogLevel:Default=Debug", "--cluster", "a-1"]);

        Assert.True(parsed.Fresh);
        Assert.Equal("a-1", parsed.Cluster);
        Assert.Equal(["Etcd:Executable=/bin/etcd", "--Logging:LogLevel:Default=Debug"], parsed.HostArguments);
    }

    [Fact]
    public void Help_is_no_error()
    {
        var answer = AppHostArguments.Parse(["--port-base", "5000", "--help"]).Answer;

        Assert.Equal(0, answer!.ExitCode);
        Assert.Contains("--port-base", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown argument '--fesh'", "--fesh")]
    [InlineData("unknown argument '--fresh=1'", "--fresh=1")]
    [InlineData("unknown argument 'x'", "x")]
    [InlineData("--port-base takes a port from 1 to 65534, not '65535'", "--port-base", "65535")]
    [InlineData("--port-base takes a port from 1 to 65534, not 'x'", "--port-base=x")]
    [InlineData("--port-base takes a port from 1 to 65534, not ''", "--port-base")]
    [InlineData("3 members have no room from --port-base 65531 on: ports end at 65535", "--port-base", "65531")]
    [InlineData("--members takes 1, 3 or 5, not '4'", "--members", "4")]
    [InlineData("--members takes 1, 3 or 5, not ''", "--members")]
    [InlineData("--cluster takes a name of letters, digits, '-' and '_', not '../x'", "--cluster", "../x")]
    public void What_is_wrong_is_said_and_refused(string message, params string[] args)
    {
        var answer = AppHostArguments.Parse(args).Answer;

        Assert.Equal(2, answer!.ExitCode);
        Assert.Contains(message, answer.Text, StringComparison.Ordinal);
    }
}
