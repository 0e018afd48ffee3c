namespace Aspire.Hosting.Orchestration.Processes;

/// <summary>What a process is started with.</summary>
internal sealed record ChildProcessStart(
    string Command,
    IReadOnlyList<string> Arguments,
    string WorkingDirectory,
    IReadOnlyDictionary<string, string> Environment);

/// <summary>
/// A running process, which is the program itself and no shell or launcher around it. It is in a process group of its own, so
/// that a terminal's Ctrl+C reaches this process only, and this one decides in which order the others end.
/// </summary>
internal abstract class ChildProcess
{
    public abstract int Id { get; }

    /// <summary>
    /// Completes with the exit code once the process ended and what it wrote has been handed over. Never fails. A process that a
    /// signal ended has 128 + the signal's number.
    /// </summary>
    public abstract Task<int> Exited { get; }

    /// <summary>Asks the process to end: SIGTERM, or Ctrl+Break on Windows. Harmless once it ended.</summary>
    public abstract void RequestStop();

    /// <summary>Ends the process and what it started, at once. Harmless once it ended.</summary>
    public abstract void Kill();

    /// <summary>Starts a process. Lines that it writes are handed over on threads of their own, in order for each stream.</summary>
    /// <exception cref="IOException">The process could not be started; the message says why.</exception>
    public static ChildProcess Start(ChildProcessStart start, Action<string, bool> lineWritten) =>
        OperatingSystem.IsWindows()
            ? WindowsChildProcess.Start(start, lineWritten)
            : PosixChildProcess.Start(start, lineWritten);
}
