namespace Etcd.TestKit.Processes;

/// <summary>
/// One member of etcd or of this project's server as a process: free ports, its data in a temporary folder. It can be
/// stopped, killed and started again on the same folder and ports; the disposal leaves neither process nor folder.
/// All members say that they are "default" at http://localhost:2380 and serve http://localhost:2379, wherever they listen:
/// so the ids of all are the same, and answers can be compared as they are.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-member-");
    private readonly int _clientPort = FreePorts.Take();
    private readonly int _peerPort = FreePorts.Take();
    private readonly HttpClient _http;
    private CapturedProcess? _process;

    private ServerProcess(ServerProgram program, IReadOnlyList<string> flags, IReadOnlyDictionary<string, string> environment)
    {
        Program = program;
        Flags = flags;
        Environment = environment;
        _http = new HttpClient { BaseAddress = new Uri(ClientUrl), Timeout = TimeSpan.FromSeconds(5) };
    }

    /// <summary>What runs.</summary>
    public ServerProgram Program { get; }

    /// <summary>Its flags in addition to those that say where it listens and where its data is; those win.</summary>
    public IReadOnlyList<string> Flags { get; set; }

    /// <summary>Its environment in addition to this process's.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; }

    /// <summary>A folder that lives as long as this object, and the place of the data folder.</summary>
    public string Folder => _folder.FullName;

    /// <summary>Its data folder.</summary>
    public string DataFolder => Path.Combine(_folder.FullName, "data");

    /// <summary>Host and port for clients.</summary>
    public string Endpoint => $"127.0.0.1:{_clientPort}";

    /// <summary>Host and port for peers.</summary>
    public string PeerEndpoint => $"127.0.0.1:{_peerPort}";

    /// <summary>The URL for clients.</summary>
    public string ClientUrl => "http://" + Endpoint;

    /// <summary>The running, or last, process.</summary>
    public CapturedProcess Process => _process ?? throw new InvalidOperationException("it was not started");

    /// <summary>Prepares a member without starting it.</summary>
    /// <param name="program">What to run.</param>
    /// <param name="flags">Flags as 3.7 calls them, in addition to those for ports and data.</param>
    public static ServerProcess Create(ServerProgram program, params IReadOnlyList<string> flags) =>
        new(program, flags, new Dictionary<string, string>());

    /// <summary>Starts a member that need not survive the machine's crash, and waits until it is healthy.</summary>
    public static async Task<ServerProcess> StartAsync(ServerProgram program, IReadOnlyList<string> flags, CancellationToken cancellation)
    {
        ServerProcess server = Create(program, ["--unsafe-no-fsync", .. flags]);
        try
        {
            await server.StartAsync(cancellation);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the process on the folder and waits until GET /health says that it is healthy.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await LaunchAsync();
        await Process.WaitUntilAsync("health", () => IsHealthyAsync(cancellation), cancellation);
    }

    /// <summary>Starts the process on the folder and waits until a line of its output contains the text.</summary>
    public async Task StartAsync(string awaitedLine, CancellationToken cancellation)
    {
        await LaunchAsync();
        await Process.WaitForLineAsync(awaitedLine, cancellation);
    }

    /// <summary>Starts the process on the folder and waits for nothing.</summary>
    public async Task LaunchAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _process = CapturedProcess.Start(
            Program.Executable, [.. PlaceFlags(), .. Flags.Select(Program.Flag)], Environment, folder: _folder.FullName);
    }

    /// <summary>Ends it as a crash does, and waits for the end.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        Process.Send(Signal.Kill);
        await Process.WaitForExitAsync(cancellation);
    }

    /// <summary>Asks it to stop and waits for the end.</summary>
    public async Task<CommandResult> TerminateAsync(CancellationToken cancellation)
    {
        Process.Send(Signal.Terminate);
        return await Process.WaitForExitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private string[] PlaceFlags() =>
    [
        "--data-dir", DataFolder,
        "--listen-client-urls", ClientUrl, "--advertise-client-urls", "http://localhost:2379",
        "--listen-peer-urls", "http://" + PeerEndpoint,
    ];

    private async ValueTask<bool> IsHealthyAsync(CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(new Uri("/health", UriKind.Relative), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
