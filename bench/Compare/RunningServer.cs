using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>
/// A server process on free ports with a data folder of its own, a single member. Both sides get the same flags.
/// Dispose stops it and deletes its data; its log stays.
/// </summary>
internal sealed partial class RunningServer : IDisposable
{
    private const int SignalTerminate = 15;
    private const int LogLinesShown = 20;
    private static readonly TimeSpan HealthyDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;
    private readonly string _dataFolder;
    private readonly string _log;

    private RunningServer(Side side, string workFolder, string label)
    {
        _dataFolder = Path.Combine(workFolder, label);
        _log = Path.Combine(workFolder, label + ".log");
        if (Directory.Exists(_dataFolder))
            Directory.Delete(_dataFolder, recursive: true);
        (Port, int peerPort) = FreePorts();
        _process = Start(side.Executable, peerPort);
    }

    public int Port { get; }

    public int ProcessId => _process.Id;

    /// <exception cref="LoadFailedException">It did not become healthy; the message holds the end of its log.</exception>
    public static RunningServer StartHealthy(Side side, string workFolder, string label, CancellationToken cancellationToken)
    {
        var server = new RunningServer(side, workFolder, label);
        try
        {
            server.WaitUntilHealthy(cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>The failure with what the server last said.</summary>
    public LoadFailedException Explain(string failure)
    {
        string state = _process.HasExited ? $" (it exited with {_process.ExitCode})" : "";
        string end = File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(LogLinesShown)) : "";
        return new LoadFailedException($"{failure}{state}; the end of {_log}:\n{end}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, SignalTerminate);
            if (!_process.WaitForExit(StopDeadline))
                _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
        if (Directory.Exists(_dataFolder))
            Directory.Delete(_dataFolder, recursive: true);
    }

    private Process Start(string executable, int peerPort)
    {
        string client = $"http://127.0.0.1:{Port}";
        string peer = $"http://127.0.0.1:{peerPort}";
        // The shell only points the output at the file and then becomes the server: the process id stays.
        string[] command = ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", _log, executable];
        string[] flags = ["--name", "bench", "--data-dir", _dataFolder,
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", $"bench={peer}"];
        return Process.Start(new ProcessStartInfo("/bin/sh", [.. command, .. flags]))
            ?? throw new LoadFailedException($"{executable} did not start");
    }

    private void WaitUntilHealthy(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        var waited = Stopwatch.StartNew();
        while (!IsHealthy(http, cancellationToken))
        {
            if (_process.HasExited || waited.Elapsed > HealthyDeadline)
                throw Explain("the server did not become healthy");
            cancellationToken.WaitHandle.WaitOne(PollInterval);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private bool IsHealthy(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Port}/health");
            using HttpResponseMessage response = http.Send(request, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private static (int Client, int Peer) FreePorts()
    {
        using var client = new TcpListener(IPAddress.Loopback, 0);
        using var peer = new TcpListener(IPAddress.Loopback, 0);
        client.Start();
        peer.Start();
        return (((IPEndPoint)client.LocalEndpoint).Port, ((IPEndPoint)peer.LocalEndpoint).Port);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
