using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// A sequence of requests to one server, which it has to itself. It begins without keys and without leases, at a revision below
/// which everything is compacted. Answers have the session's own revisions (<see cref="Relative"/>), and what depends on the run
/// and not on the server's behaviour is evened out. The reference's answers are lifted to 3.7.1's by <see cref="KnownDifferences"/>.
/// One caller at a time, but for <see cref="AskAsync"/> where nobody looks at <see cref="Revision"/>.
/// </summary>
internal sealed class Session : IAsyncDisposable
{
    private static readonly ByteString Zero = ByteString.CopyFrom(0);

    private readonly Asked _asked;
    private readonly KV.KVClient _kv;
    private readonly Lease.LeaseClient _leases;
    private readonly List<WatchLine> _lines = [];
    private readonly CancellationToken _cancellation;

    private Session(Asked asked, CancellationToken cancellation)
    {
        _asked = asked;
        _cancellation = cancellation;
        _kv = new KV.KVClient(asked.Channel);
        _leases = new Lease.LeaseClient(asked.Channel);
    }

    /// <summary>The server's revision when the session began.</summary>
    public long Begin { get; private set; }

    /// <summary>The newest revision of an answer so far, counted from the begin.</summary>
    public long Revision { get; private set; }

    /// <summary>The revision of the last compaction, counted from the begin.</summary>
    public long Compacted { get; private set; }

    /// <summary>The known differences that have occurred, by name.</summary>
    public HashSet<string> Differences { get; } = [];

    /// <summary>Whether the server is the real etcd 3.5.16.</summary>
    public bool IsReference => _asked.IsReference;

    /// <summary>Empties the server.</summary>
    public static async Task<Session> BeginAsync(Asked asked, CancellationToken cancellation)
    {
        var session = new Session(asked, cancellation);
        LeaseLeasesResponse leases = await session._leases.LeaseLeasesAsync(new LeaseLeasesRequest(), session.Options());
        foreach (LeaseStatus lease in leases.Leases)
        {
            await session._leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.ID }, session.Options());
        }

        DeleteRangeResponse emptied = await session._kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Zero, RangeEnd = Zero }, session.Options());
        session.Begin = emptied.Header.Revision;
        try
        {
            await session._kv.CompactAsync(new CompactionRequest { Revision = session.Begin }, session.Options());
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.OutOfRange)
        {
            // The session before has compacted at its end.
        }

        return session;
    }

    /// <summary>Asks. The request is not changed.</summary>
    public async Task<Reply> AskAsync(IMessage request)
    {
        Reply reply;
        try
        {
            IMessage response = await SendAsync(ToServer(request));
            Relative.FromServer(response, Begin);
            Note(request, response);
            reply = Reply.Of(EvenOut(request, response));
        }
        catch (RpcException e)
        {
            reply = Reply.Of(e);
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            throw new InvalidOperationException($"{request.Descriptor.Name} {Text.Line(request)}\n{_asked.Log}", e);
        }

        return _asked.IsReference ? KnownDifferences.Lift(request, reply, Differences) : reply;
    }

    /// <summary>
    /// The hash of all that the server has stored, as members compare it to find corruption. Servers whose sessions began at other
    /// revisions have others.
    /// </summary>
    public async Task<string> HashAsync()
    {
        HashKVResponse hash = await new Maintenance.MaintenanceClient(_asked.Channel).HashKVAsync(new HashKVRequest(), Options());
        return $"hash {hash.Hash:x8} at {hash.Header.Revision}, compacted at {hash.CompactRevision}, begun at {Begin}";
    }

    /// <summary>Opens a watch stream.</summary>
    public WatchLine OpenLine(Metadata? headers = null)
    {
        var line = new WatchLine(this, new Watch.WatchClient(_asked.Channel).Watch(headers, cancellationToken: _cancellation), _cancellation);
        _lines.Add(line);
        return line;
    }

    /// <summary>The same request with the server's revisions.</summary>
    public T ToServer<T>(T request)
        where T : IMessage
    {
        // Not by way of its bytes: parsers end at a depth that transactions may have.
        var copy = (T)request.GetType().GetMethod("Clone")!.Invoke(request, null)!;
        Relative.ToServer(copy, Begin);
        return copy;
    }

    /// <summary>Ends the watch streams.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (WatchLine line in _lines)
        {
            await line.DisposeAsync();
        }
    }

    private CallOptions Options() => new(deadline: DateTime.UtcNow + CapturedProcess.Patience, cancellationToken: _cancellation);

    private async Task<IMessage> SendAsync(IMessage request) => request switch
    {
        RangeRequest r => await _kv.RangeAsync(r, Options()),
        PutRequest r => await _kv.PutAsync(r, Options()),
        DeleteRangeRequest r => await _kv.DeleteRangeAsync(r, Options()),
        TxnRequest r => await _kv.TxnAsync(r, Options()),
        CompactionRequest r => await _kv.CompactAsync(r, Options()),
        LeaseGrantRequest r => await _leases.LeaseGrantAsync(r, Options()),
        LeaseRevokeRequest r => await _leases.LeaseRevokeAsync(r, Options()),
        LeaseTimeToLiveRequest r => await _leases.LeaseTimeToLiveAsync(r, Options()),
        LeaseLeasesRequest r => await _leases.LeaseLeasesAsync(r, Options()),
        LeaseKeepAliveRequest r => await KeepAliveAsync(r),
        _ => throw new ArgumentException($"nobody is asked a {request.Descriptor.Name}", nameof(request)),
    };

    private async Task<IMessage> KeepAliveAsync(LeaseKeepAliveRequest request)
    {
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call = _leases.LeaseKeepAlive(Options());
        await call.RequestStream.WriteAsync(request, _cancellation);
        Assert.True(await call.ResponseStream.MoveNext(_cancellation), "a renewal is answered");
        LeaseKeepAliveResponse response = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(_cancellation), "a renewal is answered once");
        return response;
    }

    private void Note(IMessage request, IMessage response)
    {
        if (response.Descriptor.FindFieldByName("header")?.Accessor.GetValue(response) is ResponseHeader header)
        {
            Revision = Math.Max(Revision, header.Revision - Relative.Origin);
        }

        if (request is CompactionRequest compaction && Relative.IsOne(compaction.Revision))
        {
            Compacted = compaction.Revision - Relative.Origin;
        }
    }

    /// <summary>Time that is left is a matter of the run; keys and leases come in no order, but from a leader.</summary>
    private static IMessage EvenOut(IMessage request, IMessage response)
    {
        switch (response)
        {
            case LeaseTimeToLiveResponse lease:
                Assert.InRange(lease.TTL, -1, lease.GrantedTTL);
                lease.TTL = Math.Sign(lease.TTL);
                Sort(lease.Keys, k => k.ToBase64());
                break;
            case LeaseLeasesResponse leases:
                Sort(leases.Leases, l => l.ID.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
                break;
            case LeaseGrantResponse grant when request is LeaseGrantRequest { ID: 0 }:
                Assert.InRange(grant.ID, 1, long.MaxValue);
                grant.ID = 0;
                break;
        }

        return response;
    }

    private static void Sort<T>(Google.Protobuf.Collections.RepeatedField<T> list, Func<T, string> by)
    {
        T[] sorted = [.. list.OrderBy(by, StringComparer.Ordinal)];
        list.Clear();
        list.AddRange(sorted);
    }
}
