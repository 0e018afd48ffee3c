using System.Net;
using System.Net.Sockets;
using Etcd.Client;
using Etcd.Server.Diagnostics;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io.Os;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using EtcdMember = Etcd.Server.Hosting.EtcdMember;

namespace Etcd.Testing;

/// <summary>
/// A real etcd for tests: a single member in the test's process, on a port of its own, with data of its own. Several may run beside each
/// other. It does not wait for the disk, so that it is fast; a crash of the machine would lose data.
/// </summary>
/// <example>
/// <code>
/// await using EtcdTestServer etcd = await EtcdTestServer.StartAsync();
/// await using EtcdClient client = etcd.CreateClient();
/// await client.Kv.PutAsync("greeting", "hello");
/// </code>
/// </example>
public sealed class EtcdTestServer : IAsyncDisposable
{
    // Between the look for a free port and its use somebody else may take it.
    private const int PortAttempts = 5;

    private readonly EtcdTestServerOptions _options;
    private readonly ILoggerFactory _logging;
    private readonly string _directory;
    private readonly string _token = Guid.NewGuid().ToString("N");
    private readonly SemaphoreSlim _gate = new(1);
    private EtcdMember? _member;
    private WebApplication? _server;
    private bool _disposed;

    private EtcdTestServer(EtcdTestServerOptions options)
    {
        _options = options;
        _directory = options.DataDirectory ?? Directory.CreateTempSubdirectory("etcd-test-").FullName;
        _logging = CreateLogging(options);
    }

    /// <summary>The port that clients connect to. It stays the same for the server's life.</summary>
    public int Port { get; private set; }

    /// <summary>Where clients find it; it is a connection string of <see cref="EtcdClient"/>, too.</summary>
    public string ConnectionString => $"http://127.0.0.1:{Port}";

    /// <summary>Whether it runs.</summary>
    public bool IsRunning => _server is not null;

    /// <summary>Starts a server and returns when it serves.</summary>
    public static async Task<EtcdTestServer> StartAsync(EtcdTestServerOptions? options = null, CancellationToken cancellationToken = default)
    {
        var server = new EtcdTestServer(options ?? new EtcdTestServerOptions());
        try
        {
            await server.BeginAsync(cancellationToken).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A client of this server. It is the caller's to dispose.</summary>
    public EtcdClient CreateClient() => new(ConnectionString);

    /// <summary>Deletes all keys and revokes all leases, so that tests can share a server. Revisions go on.</summary>
    public async Task ResetAsync(CancellationToken cancellationToken = default)
    {
        await using EtcdClient client = CreateClient();
        foreach (EtcdLeaseId lease in await client.Leases.ListAsync(null, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await client.Leases.RevokeAsync(lease, null, cancellationToken).ConfigureAwait(false);
            }
            catch (EtcdLeaseNotFoundException)
            {
                // It has ended by itself.
            }
        }

        await client.Kv.DeleteAsync(EtcdRange.All, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops it as an outage does: connections break, and nobody listens. Keys and leases stay. Does nothing where it does not run.</summary>
    public async Task StopAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await StopCoreAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Starts it again after <see cref="StopAsync"/>, on the same port with the same data.</summary>
    /// <exception cref="InvalidOperationException">It runs.</exception>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (IsRunning)
                throw new InvalidOperationException("The server runs; stop it first.");
            await StartOnAsync(Port, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops it and deletes its data, unless a folder was given.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_disposed)
                await EndAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EndAsync()
    {
        _disposed = true;
        try
        {
            await StopCoreAsync().ConfigureAwait(false);
        }
        finally
        {
            _logging.Dispose();
            if (_options.DataDirectory is null && Directory.Exists(_directory))
                Directory.Delete(_directory, recursive: true);
        }
    }

    // Whatever fails on the way, nothing is left that has the folder or the port.
    private async Task StopCoreAsync()
    {
        if (_server is not { } server)
            return;
        _server = null;
        EtcdMember member = _member!;
        member.BeginStop();
        try
        {
            await server.StopAsync().ConfigureAwait(false);
        }
        finally
        {
            await server.DisposeAsync().ConfigureAwait(false);
            await member.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task BeginAsync(CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await StartOnAsync(_options.Port != 0 ? _options.Port : FreePort(), cancellation).ConfigureAwait(false);
                return;
            }
            catch (IOException) when (_options.Port == 0 && attempt < PortAttempts)
            {
            }
        }
    }

    private async Task StartOnAsync(int port, CancellationToken cancellation)
    {
        EtcdUrl url = EtcdUrl.Parse($"http://127.0.0.1:{port}");
        ListenCheck.EnsureFree([url]);
        var options = new ServerOptions
        {
            DataDir = _directory,
            ListenClientUrls = [url],
            AdvertiseClientUrls = [url],
            // Clusters of different servers differ, so that a client can tell them apart.
            InitialClusterToken = _token,
            UnsafeNoFsync = true,
        };
        var member = new EtcdMember(options, OsFileSystem.Instance, TimeProvider.System, _logging.CreateLogger("Etcd.Server.Hosting.EtcdMember"));
        WebApplication? server = null;
        try
        {
            server = ClientServer.Build(options, member, _logging);
            await server.StartAsync(cancellation).ConfigureAwait(false);
            member.Start();
            await member.Started.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync().ConfigureAwait(false);
            await member.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        (_member, _server, Port) = (member, server, port);
    }

    private static ILoggerFactory CreateLogging(EtcdTestServerOptions options) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(options.LogLevel);
        if (options.LogLevel != LogLevel.None)
            logging.AddProvider(options.LoggerProvider ?? new ZapLoggerProvider(["stderr"], LogFormat.Json, TimeProvider.System));
    });

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
