namespace Etcd.Client;

/// <summary>
/// A barrier for a number of participants: they enter together, when the last of them has come, and they leave together, when
/// the last of them is done. It works together with Go's recipe DoubleBarrier of the same key. One object is one participant, and
/// used by one caller at a time.
/// </summary>
/// <remarks>
/// A participant's key is <c>key/waiters/</c> with a unique name behind it; <c>key/ready</c> says that all have come. A participant whose session is
/// lost counts as gone.
/// </remarks>
/// <example>
/// <code>
/// var barrier = new EtcdDoubleBarrier(session, "benchmark", participants: 3);
/// await barrier.EnterAsync();
/// await MeasureAsync();
/// await barrier.LeaveAsync();
/// </code>
/// </example>
public sealed class EtcdDoubleBarrier
{
    private readonly EtcdSession _session;
    private readonly IEtcdClient _client;
    private readonly EtcdKey _folder;
    private readonly EtcdKey _ready;
    private readonly EtcdRange _waiters;
    private readonly int _participants;
    private LineKey? _own;

    // Those who came later wait for the next time that the barrier is used.
    private long _readyRevision;

    /// <summary>Names a barrier.</summary>
    /// <param name="session">The participant; with its end it is gone.</param>
    /// <param name="key">The barrier's key, in the namespace of the session's client.</param>
    /// <param name="participants">How many enter together. All must give the same number.</param>
    public EtcdDoubleBarrier(EtcdSession session, EtcdKey key, int participants)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentOutOfRangeException.ThrowIfLessThan(participants, 1);
        _session = session;
        _client = session.Client;
        _folder = key.Append("/waiters");
        _ready = key.Append("/ready");
        _waiters = EtcdRange.Prefix(key.Append("/waiters/"));
        _participants = participants;
    }

    /// <summary>Waits until all participants have come.</summary>
    /// <exception cref="InvalidOperationException">This participant is inside already, or all others are.</exception>
    /// <exception cref="EtcdSessionLostException">The session was lost.</exception>
    public async ValueTask EnterAsync(CancellationToken cancellationToken = default)
    {
        if (_own is not null)
            throw new InvalidOperationException("This participant has entered already.");
        await SessionCalls.RunAsync(_session, Timeout.InfiniteTimeSpan, EnterCoreAsync, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until all participants are about to leave, or gone.</summary>
    /// <exception cref="InvalidOperationException">This participant has not entered.</exception>
    /// <exception cref="EtcdSessionLostException">The session was lost.</exception>
    public async ValueTask LeaveAsync(CancellationToken cancellationToken = default)
    {
        if (_own is null)
            throw new InvalidOperationException("This participant has not entered.");
        await SessionCalls.RunAsync(_session, Timeout.InfiniteTimeSpan, LeaveCoreAsync, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<object?> EnterCoreAsync(CancellationToken cancellation)
    {
        EtcdKey key = UniqueKeys.Below(_folder, _session.Time);
        var own = new LineKey(_session, key, null);
        try
        {
            var oldest = new EtcdRangeOptions
            {
                SortBy = EtcdSortBy.CreateRevision,
                Order = EtcdSortOrder.Ascending,
                Limit = _participants,
                KeysOnly = true,
            };
            LineLook look = await own.CreateAsync(EtcdCompare.NotExists(key), default, EtcdOp.Get(_waiters, oldest), cancellation).ConfigureAwait(false);
            int older = look.Others.Items.Count(item => item.CreateRevision < own.Revision);
            if (older >= _participants)
                throw new InvalidOperationException($"The barrier has its {_participants} participants already.");
            if (older == _participants - 1)
                _readyRevision = (await _client.Kv.PutAsync(_ready, default, null, cancellation).ConfigureAwait(false)).Revision;
            else
                _readyRevision = await UntilReadyAsync(own.Revision, cancellation).ConfigureAwait(false);
        }
        catch
        {
            await own.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _own = own;
        return this;
    }

    // What was said before this participant came was said to others.
    private async ValueTask<long> UntilReadyAsync(long entered, CancellationToken cancellation)
    {
        long seen = entered;
        while (true)
        {
            try
            {
                var options = new EtcdWatchOptions { StartRevision = seen + 1, NoDeletes = true };
                await foreach (EtcdWatchBatch batch in _client.Watch.WatchAsync(EtcdRange.Single(_ready), options, cancellation).ConfigureAwait(false))
                    if (batch.Events.Count != 0)
                        return batch.Events[0].KeyValue.ModRevision;
            }
            catch (EtcdCompactedException)
            {
                EtcdRangeResult ready = await _client.Kv.GetRangeAsync(EtcdRange.Single(_ready), null, cancellation).ConfigureAwait(false);
                if (ready.Items.SingleOrDefault() is { } said && said.ModRevision > entered)
                    return said.ModRevision;
                seen = ready.Header.Revision;
            }
        }
    }

    // The first participant keeps its key until it is the only one; the others take theirs away and wait for the first.
    private async ValueTask<object?> LeaveCoreAsync(CancellationToken cancellation)
    {
        LineKey own = _own!;
        var together = new EtcdRangeOptions { KeysOnly = true, MaxCreateRevision = _readyRevision };
        while (true)
        {
            EtcdRangeResult inside = await _client.Kv.GetRangeAsync(_waiters, together, cancellation).ConfigureAwait(false);
            EtcdKeyValue? first = inside.Items.MinBy(item => item.CreateRevision);
            if (first is null)
                break;
            if (first.Key != own.Key)
            {
                await own.DisposeAsync().ConfigureAwait(false);
                await Line.UntilDeletedAsync(_client, first.Key, inside.Header.Revision, cancellation).ConfigureAwait(false);
            }
            else if (inside.Items.Count == 1)
            {
                await _client.Kv.DeleteAsync(_ready, cancellation).ConfigureAwait(false);
                await own.DisposeAsync().ConfigureAwait(false);
                break;
            }
            else
            {
                EtcdKeyValue last = inside.Items.MaxBy(item => item.CreateRevision)!;
                await Line.UntilDeletedAsync(_client, last.Key, inside.Header.Revision, cancellation).ConfigureAwait(false);
            }
        }

        _own = null;
        return this;
    }
}
