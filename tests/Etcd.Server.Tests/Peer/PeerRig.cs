using System.Diagnostics;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Hosting.Peers;
using Etcd.Server.Io.Os;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.TestKit.Peers;
using Etcd.TestKit.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Peer;

/// <summary>One running member of a rig.</summary>
internal interface IPeerSide : IAsyncDisposable
{
    IPeerTransport Transport { get; }

    RecordingInbox Inbox { get; }

    /// <summary>Whether it was told that it was removed.</summary>
    bool WasRemoved { get; }

    /// <summary>It takes nothing off its streams, until released.</summary>
    void Hold(bool held);
}

/// <summary>Where members run and reach each other: in memory or over loopback. Ids are small numbers.</summary>
internal interface IPeerRig : IAsyncDisposable
{
    /// <summary>Starts a member; it knows nobody yet.</summary>
    Task<IPeerSide> StartAsync(ulong id, ulong cluster = 7, ClaimedVersion? version = null);

    /// <summary>Where a member listens, or will.</summary>
    PeerAddress Address(ulong id);

    /// <summary>Waits until the condition holds, and lets the members work meanwhile.</summary>
    Task UntilAsync(string what, Func<bool> holds);
}

internal sealed class MemoryRig : IPeerRig
{
    private readonly MemoryPeerNetwork _network = new(TimeProvider.System);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-peers-");

    public Task<IPeerSide> StartAsync(ulong id, ulong cluster, ClaimedVersion? version)
    {
        var inbox = new RecordingInbox();
        string folder = _folder.CreateSubdirectory($"{id}").FullName;
        var identity = new PeerIdentity(new MemberId(id), cluster, Address(id).Urls, version ?? ClaimedVersion.V37);
        return Task.FromResult<IPeerSide>(new Side(_network.Start(identity, inbox, folder), inbox));
    }

    public PeerAddress Address(ulong id) => new(new MemberId(id), [$"http://member-{id}:2380"]);

    public Task UntilAsync(string what, Func<bool> holds)
    {
        // Nothing but these steps moves anything, so that a bounded number of them is enough.
        for (int i = 0; i < 1000; i++)
        {
            if (holds())
            {
                return Task.CompletedTask;
            }

            _network.RunOnce();
        }

        throw new TimeoutException(what);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private sealed class Side(MemoryPeerTransport transport, RecordingInbox inbox) : IPeerSide
    {
        public IPeerTransport Transport => transport;

        public RecordingInbox Inbox => inbox;

        public bool WasRemoved => transport.WasRemoved;

        public void Hold(bool held) => transport.IsHeld = held;

        public ValueTask DisposeAsync()
        {
            transport.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

internal sealed class LoopbackRig : IPeerRig
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-peers-");
    private readonly Dictionary<ulong, int> _ports = [];

    /// <summary>Set to answer what members ask besides messages.</summary>
    public IPeerServices Services { get; set; } = new FakePeerServices();

    /// <summary>Flags of all members in addition, for TLS.</summary>
    public Func<ServerOptions, ServerOptions> Flags { get; set; } = o => o;

    public string Scheme { get; set; } = "http";

    public TimeSpan StreamTimeout { get; set; } = TimeSpan.FromMilliseconds(Limits.PeerStreamTimeoutMilliseconds);

    public async Task<IPeerSide> StartAsync(ulong id, ulong cluster, ClaimedVersion? version)
    {
        var inbox = new RecordingInbox();
        ServerOptions options = Flags(new ServerOptions { ListenPeerUrls = [EtcdUrl.Parse(Address(id).Urls[0])] });
        var removed = new StrongBox();
        var transport = new PeerTransport(
            new PeerTransportOptions
            {
                Identity = new PeerIdentity(new MemberId(id), cluster, Address(id).Urls, version ?? ClaimedVersion.V37),
                SnapshotFolder = Path.Combine(_folder.FullName, $"{id}"),
                StreamTimeout = StreamTimeout,
                ProbeInterval = TimeSpan.FromMilliseconds(50),
                Tls = PeerTls.ForClient(options),
                OnRemoved = () => removed.Value = true,
            },
            OsFileSystem.Instance,
            TimeProvider.System,
            NullLogger.Instance);
        WebApplication server = PeerServer.Build(options, transport, Services, NullLoggerFactory.Instance);
        await server.StartAsync(TestContext.Current.CancellationToken);
        transport.Start(inbox);
        return new Side(transport, server, inbox, removed);
    }

    public PeerAddress Address(ulong id)
    {
        if (!_ports.TryGetValue(id, out int port))
        {
            _ports[id] = port = FreePorts.Take();
        }

        return new PeerAddress(new MemberId(id), [$"{Scheme}://127.0.0.1:{port}"]);
    }

    public async Task UntilAsync(string what, Func<bool> holds)
    {
        long started = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new TimeoutException(what);
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    internal sealed class StrongBox
    {
        public volatile bool Value;
    }

    internal sealed class Side(PeerTransport transport, WebApplication server, RecordingInbox inbox, StrongBox removed) : IPeerSide
    {
        public IPeerTransport Transport => transport;

        public PeerTransport Http => transport;

        public RecordingInbox Inbox => inbox;

        public bool WasRemoved => removed.Value;

        public string Url => server.Services.GetRequiredService<IBoundEndpoints>().Endpoints[0].ToString();

        public void Hold(bool held)
        {
            if (held)
            {
                inbox.Door.Reset();
            }
            else
            {
                inbox.Door.Set();
            }
        }

        public async ValueTask DisposeAsync()
        {
            inbox.Door.Set();
            await transport.DisposeAsync();
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }
    }
}
