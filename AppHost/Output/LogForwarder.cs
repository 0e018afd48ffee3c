using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Output;

/// <summary>Passes the log of every member on to the console, each line after the name of its member.</summary>
internal sealed partial class LogForwarder(ResourceLoggerService loggers, ConsoleWriter console)
{
    private static readonly TimeSpan s_flushMax = TimeSpan.FromSeconds(2);

    private readonly List<Task> _forwarding = [];

    public void Forward(IResource resource) => _forwarding.Add(ForwardAsync(resource));

    /// <summary>Ends when all logs are complete; a log that nobody completes does not hold up the end of the application.</summary>
    public Task FlushAsync() => Task.WhenAny(Task.WhenAll(_forwarding), Task.Delay(s_flushMax));

    /// <summary>Example of a line: <c>2026-11-20T12:00:00.000Z {"level":"info",...}</c>; the time is when it was read.</summary>
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) ")]
    private static partial Regex ReadTime();

    private async Task ForwardAsync(IResource resource)
    {
        await foreach (var lines in loggers.WatchAsync(resource))
        {
            console.Write(lines.Select(line => $"[{resource.Name}] {ReadTime().Replace(line.Content, "")}"));
        }
    }
}
