using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace AppHost.Commands;

/// <summary>Standard input, line by line.</summary>
internal static class Terminal
{
    private const int StandardInput = 0;
    private const int WaitingLinesMax = 16;

    /// <summary>
    /// Whether reading is safe: a program that was started in the background (with &amp;) and reads from its terminal is stopped by
    /// the system.
    /// </summary>
    public static bool MayRead() =>
        Console.IsInputRedirected || OperatingSystem.IsWindows() || ForegroundGroup(StandardInput) == OwnGroup();

    /// <summary>
    /// The lines until the end of the input. They are read on a thread of their own, which nothing can wake from its read and
    /// which does not keep the process alive. The stream is read raw: the Console's own reader would change the terminal.
    /// </summary>
    public static async IAsyncEnumerable<string> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A person types few lines; a program that writes more than these must wait. Only the thread that reads waits for room.
        var lines = Channel.CreateUnbounded<string>();
        var room = new SemaphoreSlim(WaitingLinesMax);
        new Thread(() => Read(lines.Writer, room)) { IsBackground = true, Name = "commands" }.Start();
        await foreach (var line in lines.Reader.ReadAllAsync(cancellationToken))
        {
            room.Release();
            yield return line;
        }
    }

    private static void Read(ChannelWriter<string> lines, SemaphoreSlim room)
    {
        try
        {
            using var reader = new StreamReader(Console.OpenStandardInput());
            while (reader.ReadLine() is { } line)
            {
                room.Wait();
                lines.TryWrite(line);
            }
        }
        catch (IOException)
        {
            // The terminal is gone: as good as its end.
        }

        lines.TryComplete();
    }

    [DllImport("libc", EntryPoint = "tcgetpgrp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ForegroundGroup(int file);

    [DllImport("libc", EntryPoint = "getpgrp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OwnGroup();
}
