using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.TestKit.Members;

/// <summary>
/// A whole member of this project in the test's process, on a free port, with its data in a folder that goes with it. It can be stopped
/// and started again on the same port and folder.
/// </summary>
public sealed class InProcessMember : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-inproc-");
    private readonly uint? _streamsMax;
    private EtcdMember? _member;
    private WebApplication? _server;

    private InProcessMember(uint? streamsMax) => _streamsMax = streamsMax;

    /// <summary>Where clients find it.</summary>
    public string Url { get; private set; } = "http://127.0.0.1:0";

    /// <summary>Starts a member and waits until it serves.</summary>
    /// <param name="streamsMax">Calls at the same time on one connection; null for etcd's default.</param>
    public static async Task<InProcessMember> StartAsync(uint? streamsMax = null)
    {
        var member = new InProcessMember(streamsMax);
        await member.StartAgainAsync();
        return member;
    }

    /// <summary>Starts it after <see cref="StopAsync"/>.</summary>
    public async Task StartAgainAsync()
    {
        var options = new ServerOptions
        {
            DataDir = _folder.FullName,
            ListenClientUrls = [EtcdUrl.Parse(Url)],
            AdvertiseClientUrls = [EtcdUrl.Parse(Url == "http://127.0.0.1:0" ? "http://localhost:2379" : Url)],
            UnsafeNoFsync = true,
        };
        if (_streamsMax is { } streams)
        {
            options = options with { MaxConcurrentStreams = streams };
        }

        _member = new EtcdMember(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance);
        _server = ClientServer.Build(options, _member, NullLoggerFactory.Instance);
        await _server.StartAsync();
        _member.Start();
        await _member.Started;
        Url = _server.Services.GetRequiredService<IBoundEndpoints>().Endpoints[0].ToString();
    }

    /// <summary>Ends it; connections are closed.</summary>
    public async Task StopAsync()
    {
        if (_server is null)
        {
            return;
        }

        _member!.BeginStop();
        await _server.StopAsync();
        await _server.DisposeAsync();
        _member.Dispose();
        _server = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Delete(recursive: true);
    }
}
