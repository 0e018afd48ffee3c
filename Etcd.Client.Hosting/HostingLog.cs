using Microsoft.Extensions.Logging;

namespace Etcd.Client.Hosting;

/// <summary>What elections and service discovery log. Event ids: 100-119 elections, 120-129 discovery.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(100, LogLevel.Information, "This instance leads '{Election}', with fencing revision {Revision}; its services start.")]
    public static partial void Leads(ILogger log, string election, long revision);

    [LoggerMessage(101, LogLevel.Information, "This instance does not lead '{Election}' any more; its services have stopped.")]
    public static partial void HasLed(ILogger log, string election);

    [LoggerMessage(102, LogLevel.Warning, "The leadership of '{Election}' could not be renewed and may be lost in {Remaining}; its services are stopped.")]
    public static partial void MayBeLost(ILogger log, string election, TimeSpan remaining);

    [LoggerMessage(103, LogLevel.Critical, "Services of '{Election}' still run though the leadership is lost and another instance may lead. No new candidacy begins before they have stopped.")]
    public static partial void StoppedTooLate(ILogger log, string election);

    [LoggerMessage(104, LogLevel.Error, "The service {Service} of '{Election}' has failed; this instance resigns.")]
    public static partial void ServiceFailed(ILogger log, string service, string election, Exception error);

    [LoggerMessage(105, LogLevel.Warning, "The candidacy for '{Election}' has failed; it begins again in {Delay}.")]
    public static partial void CandidacyFailed(ILogger log, string election, TimeSpan delay, Exception error);

    [LoggerMessage(106, LogLevel.Error, "The service {Service} of '{Election}' failed while it was stopped.")]
    public static partial void StopFailed(ILogger log, string service, string election, Exception error);

    [LoggerMessage(120, LogLevel.Warning, "The endpoints of '{Service}' could not be followed; those that are known stay, and it is tried again.")]
    public static partial void DiscoveryFailed(ILogger log, Exception error, EtcdKey service);
}
