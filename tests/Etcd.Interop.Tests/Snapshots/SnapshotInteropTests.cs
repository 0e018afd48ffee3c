using System.Text.Json;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Bolt;
using Etcd.TestKit.Processes;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Snapshots;

/// <summary>
/// Goal: snapshots go both ways between this server and the real etcd. Method: a member gets a history with everything in it (old versions,
/// tombstones, leases, large values, a compaction whose boundary is a tombstone); its snapshot, saved by etcdctl, is restored by the one's
/// or the other's tool; a member of the other kind starts on the folder, and must say the same of everything that clients can ask for.
/// 3.5.16 refuses what says 3.6 or later, so ours claims 3.5 where 3.5.16 must read it.
/// </summary>
public sealed class SnapshotInteropTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-snapshot-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder.FullName, "snapshot.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Ours_is_restored_by_etcdutl_and_served_by_etcd()
    {
        RealEtcd.Require();
        StateDescription expected;
        await using (ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--claimed-version", "3.5"], Token))
        {
            await RichHistory.WriteAsync(ours.ClientUrl, Token);
            expected = await StateDescription.OfAsync(ours.ClientUrl, Token);
            await SaveAsync(ours);
        }

        using JsonDocument status = await StatusAsync();
        Assert.Equal(expected.Revision, status.RootElement.GetProperty("revision").GetInt64());
        Assert.Equal(new FileInfo(File).Length - 32, status.RootElement.GetProperty("totalSize").GetInt64());

        await using ServerProcess real = ServerProcess.Create(ServerProgram.Real, "--unsafe-no-fsync");
        await UtilAsync("snapshot", "restore", File, "--data-dir", real.DataFolder);
        await real.StartAsync(Token);
        (await StateDescription.OfAsync(real.ClientUrl, Token)).AssertSame(expected);
        await RichHistory.GoOnAsync(real.ClientUrl, Token);
    }

    [Fact]
    public async Task Etcds_is_restored_and_served_by_ours()
    {
        RealEtcd.Require();
        StateDescription expected;
        await using (ServerProcess real = await ServerProcess.StartAsync(ServerProgram.Real, [], Token))
        {
            await RichHistory.WriteAsync(real.ClientUrl, Token);
            expected = await StateDescription.OfAsync(real.ClientUrl, Token);
            await SaveAsync(real);
        }

        await using ServerProcess ours = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync");
        await OursAsync("snapshot", "restore", File, "--data-dir", ours.DataFolder);
        await ours.StartAsync(Token);
        (await StateDescription.OfAsync(ours.ClientUrl, Token)).AssertSame(expected);

        // The folder is a member's like any other: what comes after survives a kill, on top of the snapshot.
        await RichHistory.GoOnAsync(ours.ClientUrl, Token);
        StateDescription later = await StateDescription.OfAsync(ours.ClientUrl, Token);
        await ours.KillAsync(Token);
        await ours.StartAsync(Token);
        (await StateDescription.OfAsync(ours.ClientUrl, Token)).AssertSame(later);
    }

    [Fact]
    public async Task A_bumped_revision_is_the_same_by_either_tool()
    {
        RealEtcd.Require();
        await using (ServerProcess real = await ServerProcess.StartAsync(ServerProgram.Real, [], Token))
        {
            await RichHistory.WriteAsync(real.ClientUrl, Token);
            await SaveAsync(real);
        }

        string[] flags = ["--bump-revision", "1000000", "--mark-compacted", "--initial-cluster-token", "other"];
        await using ServerProcess etcd = ServerProcess.Create(ServerProgram.Real, "--unsafe-no-fsync");
        await using ServerProcess ours = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync");
        await UtilAsync(["snapshot", "restore", File, "--data-dir", etcd.DataFolder, .. flags]);
        await OursAsync(["snapshot", "restore", File, "--data-dir", ours.DataFolder, .. flags]);
        await etcd.StartAsync(Token);
        await ours.StartAsync(Token);
        StateDescription expected = await StateDescription.OfAsync(etcd.ClientUrl, Token);
        Assert.True(expected.Revision > 1_000_000);
        StateDescription found = await StateDescription.OfAsync(ours.ClientUrl, Token);
        found.AssertSame(expected);
        Assert.Equal(expected.Ids, found.Ids);

        await RichHistory.GoOnAsync(etcd.ClientUrl, Token);
        await RichHistory.GoOnAsync(ours.ClientUrl, Token);
        (await StateDescription.OfAsync(ours.ClientUrl, Token)).AssertSame(await StateDescription.OfAsync(etcd.ClientUrl, Token));
    }

    [Fact]
    public async Task Ours_goes_round_at_its_own_version()
    {
        StateDescription expected;
        await using (ServerProcess first = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token))
        {
            await RichHistory.WriteAsync(first.ClientUrl, Token);
            expected = await StateDescription.OfAsync(first.ClientUrl, Token);
            await System.IO.File.WriteAllBytesAsync(File, await StreamAsync(first.ClientUrl, "3.7.0"), Token);
        }

        await using ServerProcess second = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync");
        await OursAsync("snapshot", "restore", File, "--data-dir", second.DataFolder);
        await second.StartAsync(Token);
        (await StateDescription.OfAsync(second.ClientUrl, Token)).AssertSame(expected);
    }

    [Fact]
    public async Task The_hash_of_the_whole_state_is_etcds()
    {
        RealEtcd.Require();
        await using ServerProcess real = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await RichHistory.WriteAsync(real.ClientUrl, Token);
        await SaveAsync(real);
        using GrpcChannel channel = GrpcChannel.ForAddress(real.ClientUrl);
        HashResponse expected = await new Maintenance.MaintenanceClient(channel).HashAsync(new HashRequest(), cancellationToken: Token);

        await using FileStream file = System.IO.File.OpenRead(File);
        var reader = new BoltReader(file);
        using var state = new StateExport([.. reader.Buckets.Select(b => new BoltBucket(b, () => reader.Open(b)!))], null);
        Assert.Equal(expected.Hash, state.Hash(Token));
    }

    [Fact]
    public async Task What_cannot_be_restored_is_refused_with_etcdutls_words_and_nothing_is_written()
    {
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        await RichHistory.GoOnAsync(ours.ClientUrl, Token);
        byte[] good = await StreamAsync(ours.ClientUrl, "3.7.0");
        string target = Path.Combine(_folder.FullName, "target");

        byte[] changed = [.. good];
        changed[5000] ^= 1;
        await RefusedAsync(changed, "expected sha256 [", 1, target);
        await RefusedAsync(good[..^32], "snapshot missing hash but --skip-hash-check=false", 1, target);
        await RefusedAsync(good, "couldn't find local name \"other\" in the initial cluster configuration", 1, target, "--name", "other");
        await RefusedAsync(good, "--mark-compacted required if --revision-bump > 0", 128, target, "--bump-revision=5");
        await RefusedAsync(good, "snapshot restore requires exactly one argument", 128, target, "another");
        await RefusedAsync(
            good, "--initial-cluster has default=http://localhost:2380 but missing from --initial-advertise-peer-urls=http://h:1", 1, target,
            "--initial-advertise-peer-urls", "http://h:1");

        byte[] broken = [.. good[..^32]];
        broken[4096 * 2] ^= 0x40;
        await RefusedAsync(broken, "page 2", 1, target, "--skip-hash-check");

        Directory.CreateDirectory(target);
        await System.IO.File.WriteAllTextAsync(Path.Combine(target, "mine"), "", Token);
        await System.IO.File.WriteAllBytesAsync(File, good, Token);
        CommandResult result = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable, ["snapshot", "restore", File, "--data-dir", target], cancellation: Token);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("not empty or could not be read", result.Stderr, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(byte[] content, string reason, int exitCode, string target, params string[] flags)
    {
        await System.IO.File.WriteAllBytesAsync(File, content, Token);
        CommandResult result = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable, ["snapshot", "restore", File, "--data-dir", target, .. flags], cancellation: Token);
        Assert.True(result.ExitCode == exitCode && result.Stderr.Contains(reason, StringComparison.Ordinal), result.ToString());
        Assert.False(Directory.Exists(target), "nothing is written before the snapshot was looked at");
    }

    private async Task SaveAsync(ServerProcess server)
    {
        CommandResult saved = await EtcdCtl.RunAsync(server.Endpoint, ["snapshot", "save", File], Token);
        Assert.True(saved.ExitCode == 0, saved.ToString());
    }

    private async Task<JsonDocument> StatusAsync() =>
        JsonDocument.Parse((await UtilAsync("snapshot", "status", File, "--write-out", "json")).Stdout);

    private static async Task<byte[]> StreamAsync(string url, string version)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(url);
        using var call = new Maintenance.MaintenanceClient(channel).Snapshot(new SnapshotRequest(), cancellationToken: Token);
        var file = new MemoryStream();
        ulong remaining = 0;
        while (await call.ResponseStream.MoveNext(Token))
        {
            SnapshotResponse part = call.ResponseStream.Current;
            Assert.Equal(version, part.Version);
            Assert.True(part.Blob.Length <= 32 * 1024);
            if (file.Length > 0 && remaining > 0)
                Assert.Equal(remaining - (ulong)part.Blob.Length, part.RemainingBytes);

            remaining = part.RemainingBytes;
            part.Blob.WriteTo(file);
        }

        byte[] all = file.ToArray();
        Assert.Equal(0UL, remaining);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(all.AsSpan(..^32)), all[^32..]);
        return all;
    }

    private static Task<CommandResult> UtilAsync(params string[] arguments) => RunAsync(RealEtcd.Util, arguments);

    private static Task<CommandResult> OursAsync(params string[] arguments) => RunAsync(ServerProgram.Ours.Executable, arguments);

    private static async Task<CommandResult> RunAsync(string program, string[] arguments)
    {
        CommandResult result = await CapturedProcess.RunAsync(program, arguments, cancellation: Token);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result;
    }
}
