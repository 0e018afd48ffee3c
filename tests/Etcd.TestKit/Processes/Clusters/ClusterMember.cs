using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>
/// One member of a <see cref="ServerCluster"/> as a process: it can be stopped, killed, paused, wiped and started again at its
/// place. Calls of it from several threads are allowed, changes of its process from one at a time.
/// </summary>
public sealed class ClusterMember : IAsyncDisposable
{
    // The kernel takes up to a second to find that a connection's other end is gone; a channel must not add to that.
    private static readonly TimeSpan ReconnectFirst = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan ReconnectMax = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-cluster-");
    private readonly ServerProgram _program;
    private CapturedProcess? _process;

    internal ClusterMember(ServerProgram program, MemberPlace place, string initialCluster, IReadOnlyList<string> flags)
    {
        _program = program;
        Place = place;
        InitialCluster = initialCluster;
        Flags = flags;
        Channel = GrpcChannel.ForAddress(
            place.ClientUrl,
            new GrpcChannelOptions { InitialReconnectBackoff = ReconnectFirst, MaxReconnectBackoff = ReconnectMax });
    }

    /// <summary>Where it is.</summary>
    public MemberPlace Place { get; }

    /// <summary>Its name.</summary>
    public string Name => Place.Name;

    /// <summary>What it is told of the others when it is new: name=URL, comma-separated.</summary>
    public string InitialCluster { get; set; }

    /// <summary>"new", or "existing" for one that joins.</summary>
    public string InitialClusterState { get; set; } = "new";

    /// <summary>Flags as 3.7 calls them, in addition to those that say who and where it is.</summary>
    public IReadOnlyList<string> Flags { get; set; }

    /// <summary>A channel to it, whether it runs or not.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>Its data folder.</summary>
    public string DataFolder => Path.Combine(_folder.FullName, "data");

    /// <summary>The running, or last, process.</summary>
    public CapturedProcess Process => _process ?? throw new InvalidOperationException($"{Name} was not started");

    /// <summary>Whether its process runs and is not paused.</summary>
    public bool IsActive => _process is { HasExited: false } && !IsPaused;

    /// <summary>Whether it is paused.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>The id by which the cluster knows it; 0 until it was asked once with an answer.</summary>
    public ulong Id { get; private set; }

    /// <summary>Starts the process on its folder and waits for nothing.</summary>
    public async Task LaunchAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        IsPaused = false;
        string[] command = Place.Network is null ? [_program.Executable] : ["ip", "netns", "exec", Place.Network, _program.Executable];
        _process = CapturedProcess.Start(
            command[0], [.. command[1..], .. PlaceFlags(), .. Flags.Select(_program.Flag)], folder: _folder.FullName);
    }

    /// <summary>Starts the process on its folder and waits until it knows a leader.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await LaunchAsync();
        await WaitUntilReadyAsync(cancellation);
    }

    /// <summary>Waits until it knows a leader.</summary>
    public Task WaitUntilReadyAsync(CancellationToken cancellation) =>
        Process.WaitUntilAsync($"a leader that {Name} knows", async () => await StatusAsync(cancellation) is { Leader: not 0 }, cancellation);

    /// <summary>Ends it as a crash does, and waits for the end.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        Process.Send(Signal.Kill);
        IsPaused = false;
        await Process.WaitForExitAsync(cancellation);
    }

    /// <summary>Asks it to stop and waits for the end.</summary>
    public async Task<CommandResult> TerminateAsync(CancellationToken cancellation)
    {
        Process.Send(Signal.Terminate);
        return await Process.WaitForExitAsync(cancellation);
    }

    /// <summary>Lets it stand still; its sockets stay open.</summary>
    public void Pause()
    {
        Process.Send(Signal.Stop);
        IsPaused = true;
    }

    /// <summary>Lets it go on.</summary>
    public void Resume()
    {
        Process.Send(Signal.Continue);
        IsPaused = false;
    }

    /// <summary>Deletes all that it stored. It must not run.</summary>
    public void Wipe() => Directory.Delete(DataFolder, recursive: true);

    /// <summary>What it says of itself, or null if it does not answer soon.</summary>
    public async Task<StatusResponse?> StatusAsync(CancellationToken cancellation)
    {
        try
        {
            StatusResponse status = await new Maintenance.MaintenanceClient(Channel).StatusAsync(
                new StatusRequest(), deadline: DateTime.UtcNow + StatusPatience, cancellationToken: cancellation);
            Id = status.Header.MemberId;
            return status;
        }
        catch (RpcException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        Channel.Dispose();
        _folder.Delete(recursive: true);
    }

    private string[] PlaceFlags() =>
    [
        "--name", Name, "--data-dir", DataFolder,
        "--listen-client-urls", Place.ClientUrl, "--advertise-client-urls", Place.ClientUrl,
        "--listen-peer-urls", Place.PeerUrl, "--initial-advertise-peer-urls", Place.PeerUrl,
        "--initial-cluster", InitialCluster, "--initial-cluster-token", "test", "--initial-cluster-state", InitialClusterState,
    ];
}
