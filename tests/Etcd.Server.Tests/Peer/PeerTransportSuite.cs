using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Peer;

/// <summary>
/// Goal: what <see cref="IPeerTransport"/> promises, in memory and over loopback. Method: two or three members that record
/// what arrives.
/// </summary>
public abstract class PeerTransportSuite
{
    private static readonly MemberId One = new(1);
    private static readonly MemberId Two = new(2);

    private protected abstract IPeerRig NewRig();

    [Fact]
    public async Task MessagesOfAChannelArriveInOrder()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);

        for (ulong i = 1; i <= 500; i++)
        {
            one.Transport.Send([MessageSamples.App(1, 2, 3, i, MessageSamples.Entry(3, i + 1)), MessageSamples.Heartbeat(1, 2, i)]);
            if (i % 100 == 0)
            {
                await rig.UntilAsync("arrival", () => two.Inbox.Messages.Count >= 2 * (int)i);
            }
        }

        Assert.Equal(Enumerable.Range(1, 500), Indexes(two, MessageType.App));
        Assert.Equal(Enumerable.Range(1, 500), two.Inbox.Messages.Where(m => m.Type == MessageType.Heartbeat).Select(m => (int)m.Commit.Value));
        Message last = two.Inbox.Messages.Last(m => m.Type == MessageType.App);
        Assert.Equal(MessageSamples.Meaning(MessageSamples.App(1, 2, 3, 500, MessageSamples.Entry(3, 501))), MessageSamples.Meaning(last));
        Assert.Empty(one.Inbox.Unreachable);
    }

    [Fact]
    public async Task ARestartedMemberIsReachedAgain()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);
        await two.DisposeAsync();
        await rig.UntilAsync("the loss is seen", () =>
        {
            one.Transport.Send([MessageSamples.Heartbeat(1, 2, 1)]);
            return one.Transport.ActiveSince(Two) is null && one.Inbox.Unreachable.Contains(Two);
        });

        await using IPeerSide again = await rig.StartAsync(2);
        await MeetAsync(rig, one, again);

        one.Transport.Send([MessageSamples.App(1, 2, 3, 4, MessageSamples.Entry(3, 5))]);
        await rig.UntilAsync("arrival", () => Indexes(again, MessageType.App).Contains(4));
    }

    [Fact]
    public async Task WhatDoesNotFitIsDroppedAndReported()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);
        two.Hold(true);

        // Far more than connections, queues and buffers on the way can hold.
        Entry large = MessageSamples.Entry(3, 1, 1024 * 1024);
        for (ulong i = 1; i <= 200; i++)
        {
            one.Transport.Send([MessageSamples.App(1, 2, 3, i, large with { Index = new LogIndex(i + 1) })]);
        }

        Assert.Contains(Two, one.Inbox.Unreachable);
        two.Hold(false);
        await rig.UntilAsync("arrival", () => Indexes(two, MessageType.App).Count > 10);
        List<int> got = Indexes(two, MessageType.App);
        Assert.Equal(got.Order().Distinct(), got);
    }

    [Fact]
    public async Task ASlowMemberDoesNotHoldTheOthersBack()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await using IPeerSide three = await rig.StartAsync(3);
        await MeetAsync(rig, one, two);
        one.Transport.SetPeers([rig.Address(2), rig.Address(3)], []);
        three.Transport.SetPeers([rig.Address(1)], []);
        await ReachAsync(rig, one, three, 3);
        two.Hold(true);
        int before = three.Inbox.Messages.Count;

        for (ulong i = 1; i <= 400; i++)
        {
            Entry entry = MessageSamples.Entry(3, i + 1, 256 * 1024);
            one.Transport.Send([MessageSamples.App(1, 2, 3, i, entry), MessageSamples.App(1, 3, 3, i, entry)]);
            await rig.UntilAsync("arrival at the other", () => three.Inbox.Messages.Count == before + (int)i);
        }

        two.Hold(false);
    }

    [Fact]
    public async Task ALargeSnapshotPassesWhole()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);
        var content = new PatternContent(20 * 1024 * 1024);

        one.Transport.SendSnapshot(MessageSamples.Snap(1, 2, 77), content);
        await rig.UntilAsync("the report", () => one.Inbox.SentSnapshots.Count > 0);

        Assert.Equal([(Two, true)], one.Inbox.SentSnapshots);
        (Message message, string file) = Assert.Single(two.Inbox.Snapshots);
        Assert.Equal(MessageSamples.Meaning(MessageSamples.Snap(1, 2, 77)), MessageSamples.Meaning(message));
        Assert.EndsWith("000000000000004d.snap.db", file, StringComparison.Ordinal);
        Assert.True(PatternContent.IsWhole(file, content.Length));
        Assert.True(content.IsDisposed);
    }

    [Fact]
    public async Task ABrokenSnapshotIsReportedAndLeavesNothing()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);

        one.Transport.SendSnapshot(MessageSamples.Snap(1, 2, 77), new PatternContent(8 * 1024 * 1024) { FailsAt = 5 * 1024 * 1024 });
        await rig.UntilAsync("the report", () => one.Inbox.SentSnapshots.Count == 1);
        one.Transport.SendSnapshot(MessageSamples.Snap(1, 5, 77), new PatternContent(10));
        await rig.UntilAsync("the report", () => one.Inbox.SentSnapshots.Count == 2);
        one.Transport.SendSnapshot(MessageSamples.Snap(1, 2, 78), new PatternContent(8 * 1024 * 1024));
        await rig.UntilAsync("the next one", () => one.Inbox.SentSnapshots.Count == 3);

        Assert.Equal([(Two, false), (new MemberId(5), false), (Two, true)], one.Inbox.SentSnapshots);
        (_, string file) = Assert.Single(two.Inbox.Snapshots);
        await rig.UntilAsync("nothing else in the folder", () => Directory.GetFiles(Path.GetDirectoryName(file)!) is [var only] && only == file);
    }

    [Fact]
    public async Task MembersOfAnotherClusterAreRefused()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1, cluster: 7);
        await using IPeerSide two = await rig.StartAsync(2, cluster: 8);

        await RefuseAsync(rig, one, two);
    }

    [Fact]
    public async Task AMemberOfAnIncompatibleVersionIsRefused()
    {
        Assert.Equal("3.5.16", ClaimedVersion.Parse("3.5").Server);
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1, version: ClaimedVersion.V35);
        await using IPeerSide two = await rig.StartAsync(2, version: ClaimedVersion.V37);

        // Versions from 3.0 on can talk to each other; who may be in one cluster is agreed on elsewhere.
        await MeetAsync(rig, one, two);
        var self = new PeerIdentity(One, 7, [], ClaimedVersion.V37);
        Assert.Equal(PeerAdmission.IncompatibleVersion, Check(self, "2.3.8", "2.3.0"));
        Assert.Equal(PeerAdmission.IncompatibleVersion, Check(self, "3.9.0", "3.8.0"));
        Assert.Equal(PeerAdmission.IncompatibleVersion, Check(self, null, null));
        Assert.Equal(PeerAdmission.IncompatibleVersion, Check(self, "x", "3.0.0"));
        Assert.Equal("", Check(self, "3.8.0-alpha.0", "3.0.0"));
    }

    [Fact]
    public async Task ARemovedMemberIsTold()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);

        one.Transport.SetPeers([], [Two]);
        await rig.UntilAsync("the news", () =>
        {
            two.Transport.Send([MessageSamples.Heartbeat(2, 1, 1)]);
            return two.WasRemoved;
        });

        Assert.Null(one.Transport.ActiveSince(Two));
        Assert.False(one.WasRemoved);
    }

    [Fact]
    public async Task MessagesToStrangersAndLocalMessagesGoNowhere()
    {
        await using IPeerRig rig = NewRig();
        await using IPeerSide one = await rig.StartAsync(1);
        await using IPeerSide two = await rig.StartAsync(2);
        await MeetAsync(rig, one, two);
        int before = two.Inbox.Messages.Count;

        one.Transport.Send([
            MessageSamples.Heartbeat(1, 9, 1),
            new Message { Type = MessageType.Hup, From = One, To = Two },
            MessageSamples.Heartbeat(1, 2, 42)]);
        await rig.UntilAsync("arrival", () => two.Inbox.Messages.Count > before);

        Assert.Equal(42UL, Assert.Single(two.Inbox.Messages.Skip(before)).Commit.Value);
    }

    private static string Check(PeerIdentity self, string? version, string? minCluster) =>
        PeerAdmission.CheckCluster(self, new PeerRequestHead("2", version, minCluster, "7", "1", null))?.Text ?? "";

    private static List<int> Indexes(IPeerSide side, MessageType type) =>
        [.. side.Inbox.Messages.Where(m => m.Type == type).Select(m => (int)m.Index.Value)];

    private static async Task RefuseAsync(IPeerRig rig, IPeerSide one, IPeerSide two)
    {
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);
        await rig.UntilAsync("the refusal", () =>
        {
            one.Transport.Send([MessageSamples.Heartbeat(1, 2, 1)]);
            two.Transport.Send([MessageSamples.Heartbeat(2, 1, 1)]);
            return one.Inbox.Unreachable.Contains(Two) && two.Inbox.Unreachable.Contains(One);
        });
        Assert.Empty(one.Inbox.Messages);
        Assert.Empty(two.Inbox.Messages);
        Assert.Null(one.Transport.ActiveSince(Two));
        Assert.False(one.WasRemoved);
    }

    /// <summary>Two members learn of each other, and both streams of both stand.</summary>
    private protected static async Task MeetAsync(IPeerRig rig, IPeerSide one, IPeerSide two)
    {
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);
        await ReachAsync(rig, one, two, 2);
    }

    private static async Task ReachAsync(IPeerRig rig, IPeerSide one, IPeerSide other, ulong otherId)
    {
        await rig.UntilAsync("acquaintance", () => one.Transport.ActiveSince(new MemberId(otherId)) is not null && other.Transport.ActiveSince(One) is not null);
        if (one is LoopbackRig.Side loopback)
        {
            PeerOutbox outbox = loopback.Http.Peer(new MemberId(otherId))!.Outbox;
            await rig.UntilAsync("both streams", () => outbox.MsgApp.IsAttached && outbox.Message.IsAttached);
        }
    }
}

/// <summary>Over memory.</summary>
public sealed class MemoryPeerTransportTests : PeerTransportSuite
{
    private protected override IPeerRig NewRig() => new MemoryRig();
}

/// <summary>Over loopback.</summary>
public sealed class LoopbackPeerTransportTests : PeerTransportSuite
{
    private protected override IPeerRig NewRig() => new LoopbackRig();
}

/// <summary>
/// Goal: a snapshot, however large, takes a bounded amount of memory on both sides. Method: 100 MiB over loopback; what both
/// members allocate together is a small part of it.
/// </summary>
[Collection(MeasuresTheProcess.Name)]
public sealed class PeerSnapshotMemoryTests
{
    [Fact]
    public async Task ALargeSnapshotIsNotHeldInMemory()
    {
        await using var rig = new LoopbackRig();
        await using IPeerSide one = await rig.StartAsync(1, 7, null);
        await using IPeerSide two = await rig.StartAsync(2, 7, null);
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);
        var content = new PatternContent(100 * 1024 * 1024);
        long before = GC.GetTotalAllocatedBytes(precise: true);

        one.Transport.SendSnapshot(MessageSamples.Snap(1, 2, 77), content);
        await rig.UntilAsync("the report", () => one.Inbox.SentSnapshots.Count > 0);

        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(PatternContent.IsWhole(Assert.Single(two.Inbox.Snapshots).File, content.Length));
        Assert.InRange(allocated, 0, content.Length / 3);
    }
}

/// <summary>A state of any size that takes no memory: a block of random bytes again and again, of a length that no buffer has.</summary>
internal sealed class PatternContent(long length) : ISnapshotContent
{
    private const int Period = 1_000_003;

    private static readonly byte[] Block = NewBlock();

    public long Length => length;

    public long FailsAt { get; init; } = long.MaxValue;

    public bool IsDisposed { get; private set; }

    public static bool IsWhole(string file, long length)
    {
        using FileStream from = File.OpenRead(file);
        var piece = new byte[Period];
        for (long at = 0; at < length; at += Period)
        {
            int count = (int)Math.Min(Period, length - at);
            from.ReadExactly(piece, 0, count);
            if (!piece.AsSpan(0, count).SequenceEqual(Block.AsSpan(0, count)))
            {
                return false;
            }
        }

        return from.Length == length;
    }

    public void WriteTo(Stream target)
    {
        for (long at = 0; at < length; at += Period)
        {
            if (at >= FailsAt)
            {
                throw new IOException("the state cannot be read");
            }

            target.Write(Block, 0, (int)Math.Min(Period, length - at));
        }
    }

    public void Dispose() => IsDisposed = true;

    private static byte[] NewBlock()
    {
        var block = new byte[Period];
        new Random(1).NextBytes(block);
        return block;
    }
}
