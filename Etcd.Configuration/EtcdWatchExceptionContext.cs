namespace Etcd.Configuration;

/// <summary>A watch that failed, or that could not be begun.</summary>
/// <param name="Provider">Whose watch it was.</param>
/// <param name="Exception">Why it failed.</param>
/// <param name="ConsecutiveFailures">How many in a row, this one included.</param>
public sealed record EtcdWatchExceptionContext(EtcdConfigurationProvider Provider, Exception Exception, int ConsecutiveFailures);
