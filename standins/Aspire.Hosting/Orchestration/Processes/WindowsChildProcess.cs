using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Aspire.Hosting.Orchestration.Processes;

/// <summary>
/// A process on Windows: in a process group of its own (Ctrl+C of the console does not reach it, Ctrl+Break is sent to it), and
/// in a job object that ends with this process, so that a kill of this one ends the children too.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed partial class WindowsChildProcess : ChildProcess
{
    private const uint CtrlBreakEvent = 1;

    private static readonly Lazy<WindowsJob> s_job = new(WindowsJob.Create);

    private readonly Process _process;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WindowsChildProcess(Process process)
    {
        _process = process;
        Id = process.Id;
    }

    public override int Id { get; }

    public override Task<int> Exited => _exited.Task;

    public static new WindowsChildProcess Start(ChildProcessStart start, Action<string, bool> lineWritten)
    {
        var info = new ProcessStartInfo(start.Command, start.Arguments)
        {
            WorkingDirectory = start.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            CreateNewProcessGroup = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in start.Environment)
        {
            info.Environment[name] = value;
        }

        try
        {
            var child = new WindowsChildProcess(Process.Start(info)!);
            s_job.Value.Add(child._process);
            child._process.StandardInput.Close();
            _ = child.RunAsync(lineWritten);
            return child;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new IOException($"'{start.Command}' could not be started: {e.Message}.", e);
        }
    }

    public override void RequestStop() => _ = GenerateConsoleCtrlEvent(CtrlBreakEvent, (uint)Id);

    public override void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended already.
        }
    }

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GenerateConsoleCtrlEvent(uint controlEvent, uint processGroup);

    private static async Task PumpAsync(StreamReader reader, Action<string> lineWritten)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lineWritten(line);
        }
    }

    private async Task RunAsync(Action<string, bool> lineWritten)
    {
        var reading = Task.WhenAll(
            PumpAsync(_process.StandardOutput, line => lineWritten(line, false)),
            PumpAsync(_process.StandardError, line => lineWritten(line, true)));
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        _exited.SetResult(_process.ExitCode);
    }
}
