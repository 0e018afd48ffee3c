using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Etcd.Bench.Load;

/// <summary>
/// Linux's epoll, level-triggered: one thread waits for all its sockets without the runtime's own event loop and the
/// hop to the thread pool behind it, which would cost more CPU than everything else here. One thread waits.
/// </summary>
internal sealed partial class Epoll : IDisposable
{
    private const int Add = 1;
    private const int Modify = 3;
    private const int CloseOnExec = 0x80000;
    private const uint EventIn = 0x1;
    private const uint EventOut = 0x4;
    private const int InterruptedCall = 4;
    private const int EventsMax = 256;

    // The kernel's struct epoll_event is packed on x86-64 and nowhere else.
    private static readonly int EventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = EventBytes - sizeof(ulong);

    private readonly byte[] _events = GC.AllocateArray<byte>(EventsMax * EventBytes, pinned: true);
    private readonly int _handle;

    public Epoll()
    {
        _handle = Create(CloseOnExec);
        if (_handle < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    public void Register(int socket, int id) => Control(Add, socket, id, EventIn);

    /// <summary>Says whether the socket is also to be reported when it takes bytes again.</summary>
    public void Watch(int socket, int id, bool writable) =>
        Control(Modify, socket, id, writable ? EventIn | EventOut : EventIn);

    /// <summary>Waits until a socket is ready or the time is over; returns the number of ready ones.</summary>
    public unsafe int Wait(TimeSpan timeout)
    {
        var time = new TimeSpec { Seconds = (long)timeout.TotalSeconds, Nanoseconds = timeout.Ticks % TimeSpan.TicksPerSecond * 100 };
        int count;
        fixed (byte* events = _events)
            count = WaitFor(_handle, events, EventsMax, &time, null);
        if (count >= 0)
            return count;
        int error = Marshal.GetLastPInvokeError();
        return error == InterruptedCall ? 0 : throw new Win32Exception(error);
    }

    /// <summary>The id of the ready socket number <paramref name="index"/>.</summary>
    public int ReadyId(int index) =>
        Unsafe.ReadUnaligned<int>(ref _events[(index * EventBytes) + DataOffset]);

    public void Dispose() => _ = Close(_handle);

    private unsafe void Control(int operation, int socket, int id, uint interest)
    {
        byte* entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, interest);
        Unsafe.WriteUnaligned(entry + DataOffset, (ulong)(uint)id);
        if (ControlInterest(_handle, operation, socket, entry) < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static unsafe partial int ControlInterest(int epoll, int operation, int socket, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    private static unsafe partial int WaitFor(int epoll, byte* events, int eventsMax, TimeSpec* timeout, void* signals);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
