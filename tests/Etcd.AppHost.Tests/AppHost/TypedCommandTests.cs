using AppHost.Commands;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>What a person may type while the cluster runs.</summary>
public sealed class TypedCommandTests
{
    private static readonly string[] s_members = ["etcd-0", "etcd-1", "etcd-2"];

    [Theory]
    [InlineData("stop etcd-1", "stop", "etcd-1")]
    [InlineData("  start   etcd-2 ", "start", "etcd-2")]
    [InlineData("restart 0", "restart", "etcd-0")]
    public void A_command_names_a_member_or_its_number(string line, string resourceCommand, string member)
    {
        var command = TypedCommand.Parse(line, s_members);

        Assert.Equal((resourceCommand, member, null), (command.ResourceCommand, command.Member, command.Problem));
    }

    [Theory]
    [InlineData("status", nameof(TypedCommandKind.Status))]
    [InlineData("help", nameof(TypedCommandKind.Help))]
    [InlineData("", nameof(TypedCommandKind.None))]
    public void Some_commands_name_nobody(string line, string kind)
    {
        var command = TypedCommand.Parse(line, s_members);

        Assert.Equal((kind, null, null), (command.Kind.ToString(), command.ResourceCommand, command.Problem));
    }

    [Theory]
    [InlineData("stop", "'stop' takes the name of one member: etcd-0, etcd-1, etcd-2.")]
    [InlineData("stop etcd-0 etcd-1", "'stop' takes the name of one member: etcd-0, etcd-1, etcd-2.")]
    [InlineData("start etcd-9", "There is no member 'etcd-9'; there are: etcd-0, etcd-1, etcd-2.")]
    [InlineData("quit", "'quit' is no command. There are: stop NAME")]
    public void What_is_wrong_is_said(string line, string problem)
    {
        var command = TypedCommand.Parse(line, s_members);

        Assert.StartsWith(problem, command.Problem, StringComparison.Ordinal);
        Assert.Null(command.ResourceCommand);
    }
}
