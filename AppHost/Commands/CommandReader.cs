using AppHost.Cluster;
using AppHost.Output;
using AppHost.Samples;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace AppHost.Commands;

/// <summary>
/// Carries out what is typed: each line from standard input, one after the other. The end of the input ends the reading and
/// nothing else, so that the AppHost runs without a terminal too.
/// </summary>
internal sealed class CommandReader(
    ClusterLayout cluster,
    DistributedApplicationModel model,
    ResourceCommandService commands,
    MemberBoard board,
    ConsoleWriter console) : BackgroundService
{
    // A number alone means the member: they come first.
    private readonly string[] _members = [.. cluster.Members.Select(m => m.Name), .. SampleTable.In(model).Select(r => r.Name)];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!Terminal.MayRead())
        {
            return;
        }

        try
        {
            await foreach (var line in Terminal.ReadLinesAsync(stoppingToken))
            {
                await RunAsync(TypedCommand.Parse(line, _members), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    private async Task RunAsync(TypedCommand command, CancellationToken cancellationToken)
    {
        if (command.Problem is not null)
        {
            console.Write([command.Problem]);
        }
        else if (command.Kind == TypedCommandKind.Help)
        {
            console.Write([TypedCommand.Usage]);
        }
        else if (command.Kind == TypedCommandKind.Status)
        {
            await board.PrintAsync(cancellationToken);
        }
        else if (command.ResourceCommand is { } name)
        {
            await RunOfMemberAsync(command, name, cancellationToken);
        }
    }

    private async Task RunOfMemberAsync(TypedCommand command, string name, CancellationToken cancellationToken)
    {
        var resource = model.Resources.Single(r => r.Name == command.Member);
        var result = await commands.ExecuteCommandAsync(resource, name, cancellationToken);
        if (!result.Success)
        {
            console.Write([$"{name} of {command.Member} failed: {result.Message}"]);
        }
        else if (command.Kind == TypedCommandKind.Stop)
        {
            // A member that was started prints the table itself once it is ready.
            console.Write([$"{command.Member} is stopped; 'start {command.Member}' starts it again."]);
            await board.PrintAsync(cancellationToken);
        }
    }
}
