using System.Runtime.InteropServices;

namespace Aspire.Hosting.Orchestration.Processes;

/// <summary>
/// Starts a process with posix_spawn. Process.Start of .NET cannot put the child into a process group of its own outside
/// Windows, and by the time that it returns it is too late for the parent to do it.
/// </summary>
internal static unsafe class PosixSpawn
{
    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    /// <summary>Starts a process and returns its id. A null input is an empty one.</summary>
    /// <exception cref="IOException">It could not be started.</exception>
    public static int Start(ChildProcessStart start, SafeHandle? input, SafeHandle output, SafeHandle error)
    {
        if (!Directory.Exists(start.WorkingDirectory))
        {
            throw new IOException($"The working directory '{start.WorkingDirectory}' does not exist.");
        }

        var actions = stackalloc byte[Posix.OpaqueBytes];
        var attributes = stackalloc byte[Posix.OpaqueBytes];
        var signals = stackalloc byte[Posix.OpaqueBytes];
        Check(Posix.ActionsInit(actions), start);
        Check(Posix.AttributesInit(attributes), start);
        try
        {
            AddActions(actions, start, input, output, error);
            SetAttributes(attributes, signals, start);
            return Spawn(start, actions, attributes);
        }
        finally
        {
            _ = Posix.ActionsDestroy(actions);
            _ = Posix.AttributesDestroy(attributes);
        }
    }

    private static void AddActions(
        byte* actions, ChildProcessStart start, SafeHandle? input, SafeHandle output, SafeHandle error)
    {
        Check(Posix.ActionsAddChangeDirectory(actions, start.WorkingDirectory), start);
        Check(
            input is null
                ? Posix.ActionsAddOpen(actions, StandardInput, "/dev/null", Posix.OpenReadOnly, 0)
                : Posix.ActionsAddDuplicate(actions, Descriptor(input), StandardInput),
            start);
        Check(Posix.ActionsAddDuplicate(actions, Descriptor(output), StandardOutput), start);
        Check(Posix.ActionsAddDuplicate(actions, Descriptor(error), StandardError), start);
    }

    /// <summary>
    /// A group of its own, no signal blocked and none ignored: this process ignores SIGPIPE, and a child would inherit that.
    /// </summary>
    private static void SetAttributes(byte* attributes, byte* signals, ChildProcessStart start)
    {
        Check(Posix.AttributesSetProcessGroup(attributes, 0), start);
        _ = Posix.SignalsNone(signals);
        Check(Posix.AttributesSetSignalMask(attributes, signals), start);
        _ = Posix.SignalsAll(signals);
        Check(Posix.AttributesSetSignalDefaults(attributes, signals), start);
        const short Flags = Posix.SpawnSetProcessGroup | Posix.SpawnSetSignalDefaults | Posix.SpawnSetSignalMask;
        Check(Posix.AttributesSetFlags(attributes, Flags), start);
    }

    private static int Spawn(ChildProcessStart start, byte* actions, byte* attributes)
    {
        var arguments = Allocate([start.Command, .. start.Arguments]);
        var environment = Allocate([.. start.Environment.Select(v => $"{v.Key}={v.Value}")]);
        var file = Marshal.StringToCoTaskMemUTF8(start.Command);
        try
        {
            Check(Posix.SpawnByPath(out var pid, (byte*)file, actions, attributes, arguments, environment), start);
            return pid;
        }
        finally
        {
            Free(arguments);
            Free(environment);
            Marshal.FreeCoTaskMem(file);
        }
    }

    private static byte** Allocate(string[] texts)
    {
        var block = (byte**)NativeMemory.AllocZeroed((nuint)texts.Length + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Length; i++)
        {
            block[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        return block;
    }

    private static void Free(byte** block)
    {
        for (var text = block; *text is not null; text++)
        {
            Marshal.FreeCoTaskMem((nint)(*text));
        }

        NativeMemory.Free(block);
    }

    private static int Descriptor(SafeHandle handle) => (int)handle.DangerousGetHandle();

    private static void Check(int error, ChildProcessStart start)
    {
        if (error != 0)
        {
            throw new IOException($"'{start.Command}' could not be started: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }
}
