using Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration.Diagnostics;

/// <summary>What the provider logs. Never values. Event ids: 1-19 loads and watches, 20-39 the last known good file.</summary>
internal static partial class ConfigurationLog
{
    [LoggerMessage(1, LogLevel.Information, "The configuration is that of revision {Revision}, with {Count} settings.")]
    public static partial void Loaded(ILogger log, long revision, int count);

    [LoggerMessage(2, LogLevel.Warning, "The configuration could not be loaded from etcd. In use stays what came from {Origin}, of revision {Revision}.")]
    public static partial void LoadFailed(ILogger log, Exception error, EtcdConfigurationOrigin origin, long revision);

    [LoggerMessage(3, LogLevel.Warning, "The watch of the configuration failed and goes on in {Pause}; the settings stay as they are.")]
    public static partial void WatchFailed(ILogger log, Exception error, TimeSpan pause);

    [LoggerMessage(4, LogLevel.Information, "History up to revision {CompactRevision} is compacted; the configuration is read again.")]
    public static partial void Compacted(ILogger log, long? compactRevision);

    [LoggerMessage(5, LogLevel.Warning, "The keys {Used} and {Unused} are the same setting, {Name}; the newer one counts.")]
    public static partial void SameSetting(ILogger log, string name, EtcdKey used, EtcdKey unused);

    [LoggerMessage(6, LogLevel.Error, "What the application does when its configuration changes failed.")]
    public static partial void ListenerFailed(ILogger log, Exception error);

    [LoggerMessage(7, LogLevel.Warning, "etcd has gone back from revision {Known} to {Found}: its data was replaced; the configuration is read again.")]
    public static partial void StoreReplaced(ILogger log, long known, long found);

    [LoggerMessage(20, LogLevel.Warning, "The last known good settings could not be written to {Path}.")]
    public static partial void FileNotWritten(ILogger log, Exception error, string path);

    [LoggerMessage(21, LogLevel.Warning, "The last known good settings could not be read from {Path}.")]
    public static partial void FileNotRead(ILogger log, Exception error, string path);

    [LoggerMessage(22, LogLevel.Warning, "The last known good settings in {Path} are of other keys and are not used.")]
    public static partial void FileOfOtherKeys(ILogger log, string path);
}
