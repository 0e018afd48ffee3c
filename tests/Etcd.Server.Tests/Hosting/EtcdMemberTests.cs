using System.Security.Cryptography;
using Etcd.Protocol.Raftpb;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io.Os;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Wal;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Entry = Etcd.Server.Raft.Entry;
using EntryType = Etcd.Server.Raft.EntryType;

namespace Etcd.Server.Tests.Hosting;

/// <summary>A member on the real disk, as the program puts it together.</summary>
public sealed class EtcdMemberTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("etcd-member-");

    private ServerOptions Options => new() { DataDir = Path.Combine(_root.FullName, "m") };

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void FoldersMayBeGivenWithASeparatorBehindThem()
    {
        ServerOptions options = Options with { DataDir = Path.Combine(_root.FullName, "d") + "/", WalDir = Path.Combine(_root.FullName, "w") + "/" };
        New(options).Dispose();
        New(options).Dispose();
        Assert.True(Directory.Exists(Path.Combine(_root.FullName, "d")));
        Assert.True(WriteAheadLog.Exists(OsFileSystem.Instance, Path.Combine(_root.FullName, "w")));
    }

    /// <summary>The host's own lifetime would handle a second SIGTERM too, and keep it from ending a stop that hangs.</summary>
    [Fact]
    public async Task SignalsAreTheProgramsMatter()
    {
        using EtcdMember member = New(Options);
        await using WebApplication clients = ClientServer.Build(Options, member, NullLoggerFactory.Instance);
        await using WebApplication peers = ClientServer.BuildForPeers(Options, member, NullLoggerFactory.Instance);
        Assert.IsType<ProgramLifetime>(clients.Services.GetRequiredService<IHostLifetime>());
        Assert.IsType<ProgramLifetime>(peers.Services.GetRequiredService<IHostLifetime>());
    }

    [Fact]
    public void ALogWithOtherVotersIsRefusedAndStaysAsItIs()
    {
        New(Options).Dispose();
        Append(index: 2, ConfChangeType.ConfChangeAddNode);
        byte[] before = Content();
        Assert.Contains("1 members besides this one", Assert.Throws<NotSupportedException>(() => New(Options)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Content());

        Append(index: 3, ConfChangeType.ConfChangeRemoveNode);
        New(Options).Dispose();
    }

    private static EtcdMember New(ServerOptions options) => new(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance);

    private byte[] Content()
    {
        using FileStream log = File.OpenRead(Directory.GetFiles(Options.EffectiveWalDir, "*.wal").Single());
        return SHA256.HashData(log);
    }

    private void Append(ulong index, ConfChangeType type)
    {
        var member = new Etcd.Server.Membership.Member(new MemberId(7), ["http://127.0.0.1:1"], IsLearner: false, "other", ClientUrls: []);
        var change = new ConfChange { Type = type, NodeId = 7, Context = ByteString.CopyFrom(MemberJson.Encode(member)) };
        using WriteAheadLog wal = WriteAheadLog.OpenForAppend(
            OsFileSystem.Instance, Options.EffectiveWalDir, WalSnapshotMark.Beginning, WalOptions.Default).Log;
        wal.Append(null, [new Entry(new Term(1), new LogIndex(index), EntryType.ConfChange, change.ToByteArray())]);
        wal.Sync();
    }
}
