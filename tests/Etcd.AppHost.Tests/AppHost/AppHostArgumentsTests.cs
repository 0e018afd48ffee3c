using AppHost.Arguments;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>The command line: what it means, and that nothing unknown is ignored.</summary>
public sealed class AppHostArgumentsTests
{
    [Fact]
    public void Nothing_means_the_default_cluster_on_etcds_ports()
    {
        var parsed = AppHostArguments.Parse([]);

        Assert.Equal(2379, parsed.PortBase);
        Assert.Equal("etcd", parsed.Cluster);
        Assert.False(parsed.Fresh);
        Assert.Null(parsed.Answer);
    }

    [Theory]
    [InlineData("--port-base", "5000")]
    [InlineData("--port-base=5000")]
    public void A_value_stands_after_a_space_or_an_equals_sign(params string[] args) =>
        Assert.Equal(5000, AppHostArguments.Parse(args).PortBase);

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
    [InlineData("--cluster takes a name of letters, digits, '-' and '_', not '../x'", "--cluster", "../x")]
    public void What_is_wrong_is_said_and_refused(string message, params string[] args)
    {
        var answer = AppHostArguments.Parse(args).Answer;

        Assert.Equal(2, answer!.ExitCode);
        Assert.Contains(message, answer.Text, StringComparison.Ordinal);
    }
}
