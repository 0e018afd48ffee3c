using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Etcd.Bench.Compare;

/// <summary>
/// One process of a side's server, with ports and a data folder of its own. It can be killed and started again. Both sides get
/// the same flags. Dispose ends it and deletes its data; its log stays.
/// </summary>
internal sealed partial class ServerMember : IDisposable
{
    private const int SignalTerminate = 15;
    private const int LogLinesShown = 20;
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(15);

    private readonly string _executable;
    private readonly string _folder;
    private readonly string _log;
    private readonly string[] _flags;
    private Process _process;

    public ServerMember(string executable, string folder, string name, int port, int peerPort, string initialCluster)
    {
        _executable = executable;
        _folder = folder;
        _log = folder + ".log";
        Name = name;
        Port = port;
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        string client = $"http://127.0.0.1:{port}";
        string peer = $"http://127.0.0.1:{peerPort}";
        _flags = ["--name", name, "--data-dir", folder,
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", initialCluster];
        _process = Launch();
    }

    public string Name { get; }

    public string Folder => _folder;

    public int Port { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The end of its log, and how it ended.</summary>
    public string Describe()
    {
        string state = _process.HasExited ? $" (exited with {_process.ExitCode})" : "";
        string end = File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(LogLinesShown)) : "";
        return $"the end of {_log}{state}:\n{end}";
    }

    /// <summary>Ends it as a crash does, without waiting.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Ends it as a crash does, and waits until it is gone.</summary>
    public void KillAndWait()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Whether somebody listens at its port: costs next to nothing, as it starts up meanwhile.</summary>
    public bool IsListening()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var connected = new ManualResetEventSlim();
        using var attempt = new SocketAsyncEventArgs { RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, Port) };
        attempt.Completed += (_, _) => connected.Set();
        // Not by a call that throws while nobody is there.
        if (socket.ConnectAsync(attempt))
            connected.Wait();

        return attempt.SocketError == SocketError.Success;
    }

    /// <summary>Starts it again on its data, once it has ended.</summary>
    public void Restart()
    {
        _process.WaitForExit();
        _process.Dispose();
        _process = Launch();
    }

    /// <summary>Asks it to stop, without waiting.</summary>
    public void RequestStop()
    {
        if (!_process.HasExited)
            _ = Kill(_process.Id, SignalTerminate);
    }

    public void Dispose()
    {
        RequestStop();
        if (!_process.WaitForExit(StopDeadline))
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    private Process Launch()
    {
        // The shell only points the output at the file and then becomes the server: the process id stays.
        string[] command = ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", _log, _executable];
        return Process.Start(new ProcessStartInfo("/bin/sh", [.. command, .. _flags]))
            ?? throw new Load.LoadFailedException($"{_executable} did not start");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
