using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>Maintenance, which knows no namespaces.</summary>
internal sealed class MaintenanceClient(EtcdConnection connection) : IEtcdMaintenance
{
    private readonly Caller _caller = connection.Caller;

    public async ValueTask<EtcdMemberStatus> GetStatusAsync(string endpoint, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        StatusResponse status = await AtAsync(endpoint, Methods.Status, new StatusRequest(), options, cancellationToken).ConfigureAwait(false);
        return EtcdMemberStatus.From(status);
    }

    public async ValueTask DefragmentAsync(string endpoint, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await AtAsync(endpoint, Methods.Defragment, new DefragmentRequest(), options, cancellationToken).ConfigureAwait(false);

    public async ValueTask<EtcdHashKv> GetHashKvAsync(
        string endpoint, long revision, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new HashKVRequest { Revision = revision };
        HashKVResponse hash = await AtAsync(endpoint, Methods.HashKv, request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdHashKv(EtcdHeader.From(hash.Header), hash.Hash, hash.HashRevision, hash.CompactRevision);
    }

    public async ValueTask<uint> GetHashAsync(string endpoint, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        (await AtAsync(endpoint, Methods.Hash, new HashRequest(), options, cancellationToken).ConfigureAwait(false)).Hash;

    public async ValueTask<EtcdSnapshotStream> SnapshotAsync(string? endpoint, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        TimeSpan timeout = options?.Timeout ?? Timeout.InfiniteTimeSpan;
        DateTime deadline = _caller.DeadlineOf(new EtcdCallOptions { Timeout = timeout });
        bool requireLeader = options?.RequireLeader ?? connection.Options.RequireLeader;
        var tried = new List<Endpoint>();
        while (true)
        {
            Endpoint picked = endpoint is null ? connection.Pool.Enter(tried) : connection.Pool.EnterAt(endpoint);
            tried.Add(picked);
            var snapshot = new EtcdSnapshotStream(connection, picked);
            try
            {
                await snapshot.OpenAsync(requireLeader, deadline, cancellationToken).ConfigureAwait(false);
                return snapshot;
            }
            catch (EtcdException e) when (endpoint is null && e.Advice != RetryAdvice.No && connection.Pool.HasUntried(tried))
            {
                await snapshot.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await snapshot.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    public ValueTask<IReadOnlyList<EtcdAlarm>> ListAlarmsAsync(EtcdCallOptions? options, CancellationToken cancellationToken) =>
        AlarmAsync(Methods.AlarmList, AlarmRequest.Types.AlarmAction.Get, default, options, cancellationToken);

    public async ValueTask RaiseAlarmAsync(EtcdAlarm alarm, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await AlarmAsync(Methods.Alarm, AlarmRequest.Types.AlarmAction.Activate, alarm, options, cancellationToken).ConfigureAwait(false);

    public ValueTask<IReadOnlyList<EtcdAlarm>> DisarmAlarmAsync(EtcdAlarm alarm, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        AlarmAsync(Methods.Alarm, AlarmRequest.Types.AlarmAction.Deactivate, alarm, options, cancellationToken);

    public async ValueTask MoveLeaderAsync(ulong memberId, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        EtcdException? refused = null;
        foreach (Endpoint endpoint in connection.Pool.All)
        {
            try
            {
                var request = new MoveLeaderRequest { TargetID = memberId };
                await _caller.CallAtAsync(endpoint.Address.Text, Methods.MoveLeader, request, options, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (EtcdException e) when (e.ErrorId == EtcdErrorId.NotLeader || (e.Advice == RetryAdvice.Always && !e.OutcomeUnknown))
            {
                // One that cannot be reached tells less than one that says that it does not lead.
                refused = refused?.ErrorId == EtcdErrorId.NotLeader ? refused : e;
            }
        }

        throw refused ?? new EtcdException("There is no endpoint.");
    }

    public async ValueTask<string> DowngradeAsync(
        EtcdDowngradeAction action, string version, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new DowngradeRequest { Action = (DowngradeRequest.Types.DowngradeAction)action, Version = version };
        return (await _caller.CallAsync(Methods.Downgrade, request, options, cancellationToken).ConfigureAwait(false)).Version;
    }

    private async ValueTask<IReadOnlyList<EtcdAlarm>> AlarmAsync(
        Rpc<AlarmRequest, AlarmResponse> rpc,
        AlarmRequest.Types.AlarmAction action,
        EtcdAlarm alarm,
        EtcdCallOptions? options,
        CancellationToken cancellation)
    {
        var request = new AlarmRequest { Action = action, MemberID = alarm.MemberId, Alarm = (AlarmType)alarm.Type };
        AlarmResponse response = await _caller.CallAsync(rpc, request, options, cancellation).ConfigureAwait(false);
        return [.. response.Alarms.Select(raised => new EtcdAlarm(raised.MemberID, (EtcdAlarmType)raised.Alarm))];
    }

    private ValueTask<TResponse> AtAsync<TRequest, TResponse>(
        string endpoint, Rpc<TRequest, TResponse> rpc, TRequest request, EtcdCallOptions? options, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class
    {
        ArgumentException.ThrowIfNullOrEmpty(endpoint);
        return _caller.CallAtAsync(endpoint, rpc, request, options, cancellation);
    }
}
