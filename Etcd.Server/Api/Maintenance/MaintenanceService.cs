using System.Diagnostics;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Maintenance;

/// <summary>
/// etcdserverpb.Maintenance: the member's status, hashes and snapshot, alarms, the leadership, downgrades.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class MaintenanceService(ApiContext api) : Protocol.Etcdserverpb.Maintenance.MaintenanceBase
{
    /// <inheritdoc/>
    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        await api.Auth.RequireUserAsync(context).ConfigureAwait(false);
        Downgrade downgrade = api.Downgrades.Current;
        var response = new StatusResponse
        {
            Header = ResponseHeader.Message(api.Status, api.Status.Revision),
            Version = api.Status.ServerVersion,
            StorageVersion = EtcdVersion.StorageOf(api.Status.ClusterVersion) ?? "",
            Leader = api.Status.Leader.Value,
            RaftIndex = api.Status.Committed.Value,
            RaftAppliedIndex = api.Status.Applied.Value,
            RaftTerm = api.Status.Term.Value,
            DbSize = api.Status.StoreBytes,
            DbSizeInUse = api.Status.StoreBytesInUse,
            DbSizeQuota = api.Alarms.QuotaBytes,
            IsLearner = api.Status.IsLearner,
            DowngradeInfo = new DowngradeInfo { Enabled = downgrade.IsEnabled, TargetVersion = downgrade.Target },
        };
        if (api.Status.Leader.IsNone)
        {
            response.Errors.Add(EtcdErrors.NoLeader.Text);
        }

        response.Errors.AddRange(api.Alarms.Raised.Select(AlarmText.Of));

        return response;
    }

    /// <summary>
    /// Lists, raises or lowers alarms. All of it goes through the log, lists too: clients take an answer as a sign that the
    /// cluster works.
    /// </summary>
    public override async Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context)
    {
        if (request.Action == AlarmRequest.Types.AlarmAction.Get)
        {
            await api.Auth.RequireUserAsync(context).ConfigureAwait(false);
        }
        else
        {
            await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        }

        ApplyOutcome outcome = await api.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.Alarm, request.ToByteArray(), api.Auth.UserRoom), context).ConfigureAwait(false);
        AlarmResponse response = AlarmResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = ResponseHeader.Message(api.Status, api.Status.Revision);
        return response;
    }

    /// <summary>Hands the leadership over; only the leader does.</summary>
    public override async Task<MoveLeaderResponse> MoveLeader(MoveLeaderRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        TimeSpan left = context.Deadline == DateTime.MaxValue ? api.Options.RequestTimeout : context.Deadline - DateTime.UtcNow;
        TimeSpan timeout = left < api.Options.RequestTimeout ? left : api.Options.RequestTimeout;
        await api.Changes.MoveLeaderAsync(
            new MemberId(request.TargetID), timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, context.CancellationToken).ConfigureAwait(false);
        return new MoveLeaderResponse();
    }

    /// <summary>Lets the members be replaced by ones of the version below, or says whether that could begin, or ends it.</summary>
    public override async Task<DowngradeResponse> Downgrade(DowngradeRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        CancellationToken cancellation = context.CancellationToken;
        string version = request.Action switch
        {
            DowngradeRequest.Types.DowngradeAction.Validate =>
                await api.Downgrades.ValidateAsync(request.Version, cancellation).ConfigureAwait(false),
            DowngradeRequest.Types.DowngradeAction.Enable =>
                await api.Downgrades.EnableAsync(request.Version, cancellation).ConfigureAwait(false),
            DowngradeRequest.Types.DowngradeAction.Cancel =>
                await api.Downgrades.CancelAsync(cancellation).ConfigureAwait(false),
            _ => throw EtcdErrors.UnknownMethod.ToException(),
        };
        return new DowngradeResponse
        {
            Header = ResponseHeader.Message(api.Status, api.Status.Revision),
            Version = DowngradeRules.Short(version),
        };
    }

    /// <summary>Gives space back to the file system, without holding anybody up.</summary>
    public override async Task<DefragmentResponse> Defragment(DefragmentRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        try
        {
            await api.Figures.MeasureDefragmentationAsync(api.Reads.DefragmentAsync).WaitAsync(context.CancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (api.Reads.Store.IsDamaged)
        {
            throw DamageErrors.Exception;
        }
        catch (IOException e)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, e.Message));
        }

        return new DefragmentResponse();
    }

    /// <summary>Streams the state as a database; see <see cref="SnapshotStreamer"/>.</summary>
    public override async Task Snapshot(
        SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        await new SnapshotStreamer(api).StreamAsync(responseStream, context.CancellationToken).ConfigureAwait(false);
    }

    /// <summary>The hash of the whole state, as far as it is the same on all members.</summary>
    public override async Task<HashResponse> Hash(HashRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        long began = Stopwatch.GetTimestamp();
        using StateExport state = await api.Reads.ExportAsync().ConfigureAwait(false);
        // It goes through every record: not on a thread that has connections to serve.
        uint hash = await Task.Run(() => state.Hash(context.CancellationToken), context.CancellationToken).ConfigureAwait(false);
        api.Figures.Hashes.Observe(Stopwatch.GetElapsedTime(began));
        return new HashResponse { Header = ResponseHeader.Message(api.Status, api.Status.Revision), Hash = hash };
    }

    /// <summary>The hash of the keys' history up to a revision, the same on every member.</summary>
    public override async Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        long began = Stopwatch.GetTimestamp();
        HistoryHash hash = default;
        long revision = 0;
        ReadStatus status = await Task.Run(
            () => api.Reads.Store.HashKv(request.Revision, context.CancellationToken, out hash, out revision), context.CancellationToken).ConfigureAwait(false);
        if (status.ToError() is { } error)
        {
            throw error.ToException();
        }

        api.Figures.HistoryHashes.Observe(Stopwatch.GetElapsedTime(began));
        return new HashKVResponse
        {
            Header = ResponseHeader.Message(api.Status, revision),
            Hash = hash.Hash,
            CompactRevision = hash.CompactRevision,
            HashRevision = hash.Revision,
        };
    }
}
