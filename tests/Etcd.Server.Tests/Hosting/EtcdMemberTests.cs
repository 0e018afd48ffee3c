using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io.Os;
using Etcd.Server.Wal;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Hosting;

/// <summary>A member on the real disk, as the program puts it together.</summary>
public sealed class EtcdMemberTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("etcd-member-");

    private ServerOptions Options => new() { DataDir = Path.Combine(_root.FullName, "m") };

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task FoldersMayBeGivenWithASeparatorBehindThem()
    {
        ServerOptions options = Options with { DataDir = Path.Combine(_root.FullName, "d") + "/", WalDir = Path.Combine(_root.FullName, "w") + "/" };
        await New(options).DisposeAsync();
        await New(options).DisposeAsync();
        Assert.True(Directory.Exists(Path.Combine(_root.FullName, "d")));
        Assert.True(WriteAheadLog.Exists(OsFileSystem.Instance, Path.Combine(_root.FullName, "w")));
    }

    /// <summary>The host's own lifetime would handle a second SIGTERM too, and keep it from ending a stop that hangs.</summary>
    [Fact]
    public async Task SignalsAreTheProgramsMatter()
    {
        await using EtcdMember member = New(Options);
        await using WebApplication clients = ClientServer.Build(Options, member, NullLoggerFactory.Instance);
        await using WebApplication peers = ClientServer.BuildForPeers(Options, member, NullLoggerFactory.Instance);
        Assert.IsType<ProgramLifetime>(clients.Services.GetRequiredService<IHostLifetime>());
        Assert.IsType<ProgramLifetime>(peers.Services.GetRequiredService<IHostLifetime>());
    }

    private static EtcdMember New(ServerOptions options) => new(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance);
}
