using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Io.Os;
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
    private readonly Func<ServerOptions, ServerOptions> _configure;
    private EtcdMember? _member;
    private WebApplication? _server;

    private InProcessMember(string url, Func<ServerOptions, ServerOptions> configure)
    {
        Url = url;
        _configure = configure;
    }

    /// <summary>Where clients find it.</summary>
    public string Url { get; private set; }

    /// <summary>Starts a member and waits until it serves.</summary>
    /// <param name="url">Where it listens.</param>
    /// <param name="configure">Changes its options.</param>
    public static async Task<InProcessMember> StartAsync(
        string url = "http://127.0.0.1:0", Func<ServerOptions, ServerOptions>? configure = null)
    {
        var member = new InProcessMember(url, configure ?? (options => options));
        await member.StartAgainAsync();
        return member;
    }

    /// <summary>Starts it after <see cref="StopAsync"/>.</summary>
    public async Task StartAgainAsync()
    {
        // A member that starts again knows its port and advertises it.
        ServerOptions options = _configure(new ServerOptions
        {
            DataDir = _folder.FullName,
            ListenClientUrls = [EtcdUrl.Parse(Url)],
            AdvertiseClientUrls = [EtcdUrl.Parse(Url)],
            UnsafeNoFsync = true,
        });

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
        await _member.DisposeAsync();
        _server = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Delete(recursive: true);
    }
}
