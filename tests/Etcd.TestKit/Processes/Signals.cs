using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Etcd.TestKit.Processes;

/// <summary>The signals that tests send.</summary>
public enum Signal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>Sends signals to processes; Linux only.</summary>
public static class Signals
{
    /// <summary>Sends the signal to the process itself, not to its group.</summary>
    public static void Send(Process process, Signal signal)
    {
        if (Kill(process.Id, (int)signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
