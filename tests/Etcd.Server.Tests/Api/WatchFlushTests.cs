using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io.Os;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Watch;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Api;

/// <summary>
/// Goal: what a watch call writes is flushed often enough, however fast events come: unflushed bytes neither reach the client
/// nor hold the writer back. Method: the service with a writer, or a body, that counts what was written since its last flush, and a
/// history that is large enough for the queue never to run empty.
/// </summary>
public sealed class WatchFlushTests
{
    private const int Puts = 600;
    private const int ValueBytes = 8 * 1024;

    // One response may be larger than the bound; nothing is added to it.
    private const int UnflushedBytesMax = Limits.WatchUnflushedBytesMax + (2 * ValueBytes) + 1024;

    [Fact]
    public async Task ALongRunOfResponsesIsFlushedOnTheWay()
    {
        using var done = new CancellationTokenSource();
        var writer = new CountingWriter(done);
        await RunAsync(service => service.Watch(new OneWatchPerKey(), writer, new CallContext(done.Token)));

        Assert.Equal(Puts, writer.Events);
        Assert.InRange(writer.UnflushedBytesMost, 1, UnflushedBytesMax);
    }

    [Fact]
    public async Task ALongRunOfResponsesIsFlushedOnTheWayIntoABody()
    {
        using var done = new CancellationTokenSource();
        var body = new CountingBody(done);
        await RunAsync(service => service.Watch(new OneWatchPerKey(), new CountingWriter(done), new CallContext(done.Token), body));

        Assert.Equal(Puts, body.Events);
        Assert.InRange(body.UnflushedBytesMost, 1, UnflushedBytesMax);
    }

    private static async Task RunAsync(Func<Server.Api.Watches.WatchService, Task> watch)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("etcd-watch-flush-");
        try
        {
            var options = new ServerOptions { DataDir = folder.FullName, UnsafeNoFsync = true };
            await using var member = new EtcdMember(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance);
            member.Start();
            await member.Started.WaitAsync(TestContext.Current.CancellationToken);
            await FillAsync(member);

            await Assert.ThrowsAnyAsync<RpcException>(() => watch(new Server.Api.Watches.WatchService(member.Api)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task FillAsync(EtcdMember member)
    {
        for (int i = 0; i < Puts; i++)
        {
            var put = new PutRequest { Key = Key(i), Value = ByteString.CopyFrom(new byte[ValueBytes]) };
            await member.Api.Proposals.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, put.ToByteArray()));
        }
    }

    private static ByteString Key(int i) => ByteString.CopyFrom(Encoding.UTF8.GetBytes($"k{i:d4}"));

    /// <summary>One watch for each key from the beginning of history: one response of its own for each event.</summary>
    private sealed class OneWatchPerKey : IAsyncStreamReader<WatchRequest>
    {
        private int _next;

        public WatchRequest Current { get; private set; } = new();

        public Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (_next == Puts)
            {
                return Task.FromResult(false);
            }

            Current = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key(_next++), StartRevision = 1 } };
            return Task.FromResult(true);
        }
    }

    private sealed class CountingWriter(CancellationTokenSource done) : IServerStreamWriter<WatchBatch>
    {
        private long _unflushed;

        public WriteOptions? WriteOptions { get; set; }

        public long UnflushedBytesMost { get; private set; }

        public int Events { get; private set; }

        public Task WriteAsync(WatchBatch message)
        {
            Events += message.EventCount;
            _unflushed += message.ComputeSize(default);
            UnflushedBytesMost = Math.Max(UnflushedBytesMost, _unflushed);
            if (WriteOptions is null || !WriteOptions.Flags.HasFlag(WriteFlags.BufferHint))
            {
                _unflushed = 0;
            }

            if (Events == Puts)
            {
                done.Cancel();
            }

            return Task.CompletedTask;
        }

        public Task WriteAsync(WatchBatch message, CancellationToken cancellationToken) => WriteAsync(message);
    }

    /// <summary>A body that keeps what is written until it is flushed, and reads it then.</summary>
    private sealed class CountingBody(CancellationTokenSource done) : PipeWriter
    {
        private readonly ArrayBufferWriter<byte> _unflushed = new();

        public long UnflushedBytesMost { get; private set; }

        public int Events { get; private set; }

        public override void Advance(int bytes) => _unflushed.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _unflushed.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _unflushed.GetSpan(sizeHint);

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException("the call's end is not the service's");

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            UnflushedBytesMost = Math.Max(UnflushedBytesMost, _unflushed.WrittenCount);
            Events += Watch.Frames.Parse(_unflushed.WrittenSpan).Sum(r => r.Events.Count);
            _unflushed.Clear();
            if (Events == Puts)
            {
                done.Cancel();
            }

            return ValueTask.FromResult(new FlushResult(isCanceled: false, isCompleted: false));
        }
    }

    private sealed class CallContext(CancellationToken cancellation) : ServerCallContext
    {
        protected override string MethodCore => "Watch";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Grpc.Core.Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => cancellation;

        protected override Grpc.Core.Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore { get; } = new(null, []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
            throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Grpc.Core.Metadata responseHeaders) => Task.CompletedTask;
    }
}
