using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>
/// An election: of all who campaign, the one who came first leads until its leadership ends, then the next. It works together with Go's
/// concurrency.Election and <c>etcdctl elect</c> of the same name. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A candidate's key is <c>name/</c> with the lease's id behind it, in hexadecimal; its value is what the candidate says. Leadership rests on
/// a session, never on a lease that nobody renews.
/// </remarks>
/// <example>
/// <code>
/// await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10));
/// var election = new EtcdElection(session, "elections/scheduler");
/// await using EtcdLeadership leadership = await election.CampaignAsync("host-1");
/// await LeadAsync(leadership.LostToken);
/// </code>
/// </example>
public sealed class EtcdElection
{
    private static readonly EtcdRangeOptions Oldest = new()
    {
        SortBy = EtcdSortBy.CreateRevision,
        Order = EtcdSortOrder.Ascending,
        Limit = 1,
    };

    private static readonly EtcdWatchOptions Candidates = new() { OnCompaction = EtcdCompactionPolicy.ListAgain };

    private readonly EtcdSession _session;
    private readonly EtcdKey _name;
    private readonly EtcdKey _key;
    private readonly Line _line;

    /// <summary>Names an election.</summary>
    /// <param name="session">Who campaigns; its end ends the leadership.</param>
    /// <param name="name">The election's name, in the namespace of the session's client.</param>
    public EtcdElection(EtcdSession session, EtcdKey name)
    {
        ArgumentNullException.ThrowIfNull(session);
        _session = session;
        _name = name;
        _key = EtcdMutex.KeyOf(session, name);
        _line = new Line(session.Client, RangeOf(name));
    }

    /// <summary>Who leads, with what it says; null where nobody does.</summary>
    public static async ValueTask<EtcdKeyValue?> GetLeaderAsync(IEtcdClient client, EtcdKey name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        EtcdRangeResult oldest = await client.Kv.GetRangeAsync(RangeOf(name), Oldest, cancellationToken).ConfigureAwait(false);
        return oldest.Items.Count == 0 ? null : oldest.Items[0];
    }

    /// <summary>
    /// Tells who leads, and each new leader and new word of a leader from then on. While nobody leads it waits. A reader that is
    /// behind gets all that was said, unless history was compacted meanwhile.
    /// </summary>
    /// <example>
    /// <code>
    /// await foreach (EtcdKeyValue leader in EtcdElection.ObserveAsync(client, "elections/scheduler", stopping))
    ///     Console.WriteLine($"{leader.Value} leads");
    /// </code>
    /// </example>
    public static async IAsyncEnumerable<EtcdKeyValue> ObserveAsync(
        IEtcdClient client, EtcdKey name, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        var candidates = new Dictionary<EtcdKey, EtcdKeyValue>();
        long told = 0;
        await foreach (EtcdWatchBatch batch in client.Watch.GetThenWatchAsync(RangeOf(name), Candidates, cancellationToken).ConfigureAwait(false))
        {
            Apply(batch, candidates);
            if (batch.Kind == EtcdWatchBatchKind.Snapshot && !batch.EndsSnapshot)
                continue;
            EtcdKeyValue? leader = candidates.Values.MinBy(candidate => candidate.CreateRevision);
            if (leader is null || leader.ModRevision == told)
                continue;
            told = leader.ModRevision;
            yield return leader;
        }
    }

    /// <summary>Waits until all who came before have gone, and leads.</summary>
    /// <param name="value">What the candidate says of itself, such as its address.</param>
    /// <param name="cancellationToken">Gives up; the candidacy ends.</param>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public async ValueTask<EtcdLeadership> CampaignAsync(EtcdValue value, CancellationToken cancellationToken = default) =>
        (await SessionCalls.RunAsync<EtcdLeadership>(
            _session, Timeout.InfiniteTimeSpan, token => RunAsync(value, token)!, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Who leads, with what it says; null where nobody does.</summary>
    public ValueTask<EtcdKeyValue?> GetLeaderAsync(CancellationToken cancellationToken = default) =>
        GetLeaderAsync(_session.Client, _name, cancellationToken);

    /// <summary>Tells who leads, and each new leader from then on; see <see cref="ObserveAsync(IEtcdClient, EtcdKey, CancellationToken)"/>.</summary>
    public IAsyncEnumerable<EtcdKeyValue> ObserveAsync(CancellationToken cancellationToken = default) =>
        ObserveAsync(_session.Client, _name, cancellationToken);

    private static EtcdRange RangeOf(EtcdKey name) => EtcdRange.Prefix(name.Append("/"));

    private static void Apply(EtcdWatchBatch batch, Dictionary<EtcdKey, EtcdKeyValue> candidates)
    {
        if (batch.StartsSnapshot)
            candidates.Clear();
        foreach (EtcdWatchEvent change in batch.Events)
        {
            if (change.Type == EtcdEventType.Put)
                candidates[change.Key] = change.KeyValue;
            else
                candidates.Remove(change.Key);
        }
    }

    private async ValueTask<EtcdLeadership> RunAsync(EtcdValue value, CancellationToken cancellation)
    {
        var own = new LineKey(_session, _key, await _session.EnterAsync(_key, cancellation).ConfigureAwait(false));
        try
        {
            LineLook look = await own.CreateAsync(EtcdCompare.NotExists(_key), value, _line.Look(), cancellation).ConfigureAwait(false);
            var leadership = new EtcdLeadership(_session, own, look.Found?.ModRevision ?? own.Revision);
            if (look.Found is { } found && found.Value != value)
                await leadership.ProclaimAsync(value, cancellation).ConfigureAwait(false);
            if (!_line.IsFront(look.Others, own.Revision))
            {
                await _line.WaitAsync(own.Revision, cancellation).ConfigureAwait(false);
                await own.RequireAsync(cancellation).ConfigureAwait(false);
            }

            return leadership;
        }
        catch
        {
            await own.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
