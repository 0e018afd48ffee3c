using System.Globalization;
using System.IO.Pipes;
using System.Runtime.Versioning;
using System.Text;

namespace Aspire.Hosting.Orchestration.Processes;

/// <summary>
/// Ends the children when this process is killed and can no longer do it itself: a small shell, in a process group of its own,
/// that reads which process groups exist and, when its input ends, asks those that are left to end and kills them after five
/// seconds. What it cannot help against: being killed itself, and a kill of this process in the moment between the start of a
/// child and its announcement. (The kernel's parent-death signal would be tied to the thread that started the child.)
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class PosixWatchdog : IDisposable
{
    private const string Script = """
        trap '' INT HUP QUIT TERM
        groups=
        while read -r op group; do
          case $op in
            +) groups="$groups $group" ;;
            -) left=
               for g in $groups; do [ "$g" = "$group" ] || left="$left $g"; done
               groups=$left ;;
          esac
        done
        [ -n "$groups" ] || exit 0
        for g in $groups; do kill -TERM -"$g"; done
        for second in 1 2 3 4 5; do
          alive=
          for g in $groups; do kill -0 -"$g" && alive=1; done
          [ -n "$alive" ] || exit 0
          sleep 1
        done
        for g in $groups; do kill -KILL -"$g"; done
        """;

    private readonly AnonymousPipeServerStream _input = new(PipeDirection.Out, HandleInheritability.None);
    private readonly Lock _gate = new();

    /// <exception cref="IOException">There is no /bin/sh.</exception>
    public static PosixWatchdog Start()
    {
        var watchdog = new PosixWatchdog();
        using var nowhere = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
        var start = new ChildProcessStart(
            "/bin/sh",
            ["-c", Script],
            "/",
            new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" });
        _ = PosixSpawn.Start(start, watchdog._input.ClientSafePipeHandle, nowhere, nowhere);
        watchdog._input.DisposeLocalCopyOfClientHandle();
        return watchdog;
    }

    public void Watch(int processGroup) => Write('+', processGroup);

    public void Forget(int processGroup) => Write('-', processGroup);

    /// <summary>Ends the watchdog, and with it what it still watches.</summary>
    public void Dispose() => _input.Dispose();

    private void Write(char operation, int processGroup)
    {
        var line = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{operation} {processGroup}\n"));
        lock (_gate)
        {
            try
            {
                _input.Write(line);
            }
            catch (IOException)
            {
                // Somebody killed the watchdog: the children are no longer guarded, but they run.
            }
        }
    }
}
