using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.GrpcClient;

/// <summary>
/// One member of the real etcd on free ports with its data in a folder of its own; both are gone after the disposal.
/// Where no etcd is on this machine the test is skipped, or fails if ETCD_INTEROP is <c>required</c>.
/// </summary>
public sealed class RealEtcd : IAsyncLifetime
{
    private static readonly TimeSpan _startTime = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("grpc-client-etcd-");
    private readonly (int Client, int Peer) _ports = TakeFreePorts();
    private Process? _process;

    public string Address => $"http://127.0.0.1:{_ports.Client}";

    public static string? Executable
    {
        get
        {
            var folder = Environment.GetEnvironmentVariable("ETCD_REFERENCE")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "etcd-reference");
            var path = Path.Combine(folder, "etcd");
            return File.Exists(path) ? path : null;
        }
    }

    public ValueTask InitializeAsync() => Executable is null ? ValueTask.CompletedTask : new ValueTask(StartAsync());

    /// <summary>Skips or fails the test that runs where there is no real etcd.</summary>
    public static void Require()
    {
        if (Executable is not null)
            return;
        const string Advice = "The real etcd is not here: run .ci/get-etcd";
        Assert.SkipWhen(Environment.GetEnvironmentVariable("ETCD_INTEROP") != "required", Advice);
        Assert.Fail(Advice);
    }

    /// <summary>Starts etcd, again after <see cref="KillAsync"/> with the same data and ports, and waits until it serves.</summary>
    public async Task StartAsync()
    {
        var peer = $"http://127.0.0.1:{_ports.Peer}";
        _process = Process.Start(new ProcessStartInfo(Executable!)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                "--data-dir", Path.Combine(_folder.FullName, "data"), "--log-level", "error", "--unsafe-no-fsync",
                "--listen-client-urls", Address, "--advertise-client-urls", Address,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"default={peer}",
            },
        })!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        using var channel = GrpcChannel.ForAddress(Address, new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(20) });

        // A linearizable read is served once there is a leader.
        await new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("ready") },
            new CallOptions(deadline: DateTime.UtcNow + _startTime).WithWaitForReady());
    }

    /// <summary>Kills etcd as a crash does.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        _process = null;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Delete(recursive: true);
    }

    private static (int Client, int Peer) TakeFreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }
}
