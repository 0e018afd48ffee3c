using Aspire.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace AppHost.Commands;

/// <summary>Lets a person at the terminal stop, start and restart members.</summary>
internal static class CommandExtensions
{
    public static void TakesTypedCommands(this IDistributedApplicationBuilder builder) =>
        builder.Services.AddHostedService<CommandReader>();
}
