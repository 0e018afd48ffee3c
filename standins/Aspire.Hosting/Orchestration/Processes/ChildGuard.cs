using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration.Processes;

/// <summary>Sees to it that no child outlives this process: by the watchdog, or on Windows by the job that each is put into.</summary>
internal sealed class ChildGuard(ILogger logger) : IDisposable
{
    private readonly Lock _gate = new();
    private PosixWatchdog? _watchdog;
    private bool _tried;

    public void Watch(ChildProcess child)
    {
        if (!OperatingSystem.IsWindows())
        {
            Watchdog()?.Watch(child.Id);
        }
    }

    public void Forget(ChildProcess child)
    {
        if (!OperatingSystem.IsWindows())
        {
            Watchdog()?.Forget(child.Id);
        }
    }

    public void Dispose()
    {
        if (!OperatingSystem.IsWindows())
        {
            _watchdog?.Dispose();
        }
    }

    [UnsupportedOSPlatform("windows")]
    private PosixWatchdog? Watchdog()
    {
        lock (_gate)
        {
            if (!_tried)
            {
                _tried = true;
                try
                {
                    _watchdog = PosixWatchdog.Start();
                }
                catch (IOException e)
                {
                    logger.WatchdogFailed(e);
                }
            }

            return _watchdog;
        }
    }
}
