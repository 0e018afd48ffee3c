using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;

namespace Aspire.Hosting.Orchestration.Processes;

/// <inheritdoc cref="ChildProcess"/>
internal sealed class PosixChildProcess : ChildProcess
{
    /// <summary>How long the pipes may stay open after the process ended: something that it left behind may hold them.</summary>
    private static readonly TimeSpan s_outputAfterExit = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private bool _reaped;

    private PosixChildProcess(int id) => Id = id;

    public override int Id { get; }

    public override Task<int> Exited => _exited.Task;

    public static new PosixChildProcess Start(ChildProcessStart start, Action<string, bool> lineWritten)
    {
        var output = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
        var error = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
        PosixChildProcess child;
        try
        {
            child = new(PosixSpawn.Start(start, input: null, output.ClientSafePipeHandle, error.ClientSafePipeHandle));
        }
        catch
        {
            output.Dispose();
            error.Dispose();
            throw;
        }

        output.DisposeLocalCopyOfClientHandle();
        error.DisposeLocalCopyOfClientHandle();
        var reading = new[] { Pump(output, line => lineWritten(line, false)), Pump(error, line => lineWritten(line, true)) };
        OnThread($"wait for {child.Id}", () => child.WaitForExit(reading));
        return child;
    }

    public override void RequestStop() => Signal(Id, Posix.SigTerm);

    public override void Kill()
    {
        Signal(-Id, Posix.SigKill);
        Signal(Id, Posix.SigKill);
    }

    /// <summary>Reads to the end on a thread of its own: a read of an anonymous pipe would block one of the pool's.</summary>
    private static Task Pump(Stream pipe, Action<string> lineWritten)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        OnThread("output", () =>
        {
            using (pipe)
            using (var reader = new StreamReader(pipe, Encoding.UTF8))
            {
                while (reader.ReadLine() is { } line)
                {
                    lineWritten(line);
                }
            }

            done.SetResult();
        });
        return done.Task;
    }

    private static void OnThread(string name, Action action) =>
        new Thread(() => action(), maxStackSize: 256 * 1024) { IsBackground = true, Name = name }.Start();

    /// <summary>Until the process is reaped its id is its own; after that the id may be another's and no signal may be sent.</summary>
    private void Signal(int target, int signal)
    {
        lock (_gate)
        {
            if (!_reaped)
            {
                _ = Posix.Kill(target, signal);
            }
        }
    }

    private void WaitForExit(Task[] reading)
    {
        var code = Reap();
        Task.WaitAll(reading, s_outputAfterExit);
        _exited.SetResult(code);
    }

    private int Reap()
    {
        // Waiting without reaping first would need waitid's platform-dependent structure; polling with the lock held keeps
        // "ended" and "reaped" one step for those who send signals.
        var pause = TimeSpan.FromMilliseconds(1);
        while (true)
        {
            lock (_gate)
            {
                var result = Posix.WaitForExit(Id, out var status, options: 1);
                if (result == Id || (result < 0 && Marshal.GetLastPInvokeError() != Posix.ErrorInterrupted))
                {
                    _reaped = true;
                    return result == Id ? ExitCode(status) : -1;
                }
            }

            Thread.Sleep(pause);
            pause = pause < TimeSpan.FromMilliseconds(20) ? pause * 2 : pause;
        }
    }

    private static int ExitCode(int status)
    {
        var signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
    }
}
