using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A line of the log of a resource. The content begins with the time at which it was written.</summary>
public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>
/// The log of every resource: what its process printed and what the AppHost wrote about it. Keeps the last 10,000 lines of each.
/// Safe for concurrent use.
/// </summary>
public class ResourceLoggerService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceLog> _logs = new(ResourceNames.Comparer);

    /// <summary>Raised for every line, for <see cref="DistributedApplicationOptions.EnableResourceLogging"/>.</summary>
    internal event Action<string, LogLine>? LineAdded;

    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetLog(resource.Name);
    }

    /// <summary>The log of a resource, by its name or the id of its instance.</summary>
    public ILogger GetLogger(string resourceName) => GetLog(resourceName);

    /// <summary>Yields the lines that are kept, then new ones, until the log is complete.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetLog(resource.Name).WatchAsync();
    }

    /// <inheritdoc cref="WatchAsync(IResource)"/>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => GetLog(resourceName).WatchAsync();

    /// <summary>Yields the lines that are kept, and ends.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetAllAsync(resource.Name);
    }

    /// <inheritdoc cref="GetAllAsync(IResource)"/>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield return GetLog(resourceName).Kept();
    }

    /// <summary>Ends the streams of those who watch the log; the lines stay.</summary>
    public void Complete(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        Complete(resource.Name);
    }

    /// <inheritdoc cref="Complete(IResource)"/>
    public void Complete(string name) => GetLog(name).Complete();

    public void ClearBacklog(string resourceName) => GetLog(resourceName).Clear();

    public void Dispose()
    {
        foreach (var log in _logs.Values)
        {
            log.Complete();
        }

        GC.SuppressFinalize(this);
    }

    internal ResourceLog GetLog(string name)
    {
        return _logs.GetOrAdd(name, n => new ResourceLog(line => LineAdded?.Invoke(n, line)));
    }

    /// <summary>Makes the id of an instance another name of the log of its resource.</summary>
    internal void AddAlias(IResource resource, string resourceId) => _logs[resourceId] = GetLog(resource.Name);
}
