using System.Threading.Channels;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// Mends the store on the disk. What memory has is written again by this member alone. Records that are lost come back with the whole
/// state of another member, as of an index that is not before what is applied here: the log stays, and with it votes and everything
/// that was promised. A leader hands over first, because what it serves would have to wait.
/// <para>Who has nobody to ask says so, raises a CORRUPT alarm about itself, which stops changes as in etcd, and goes on to serve what can be
/// read. It asks again from time to time: members come back.</para>
/// </summary>
/// <param name="parts">What it works with.</param>
internal sealed class StoreRepair(RepairParts parts)
{
    // A try that fails may have met a change of leaders, and at a start the others are not reached at once. An alarm stops the cluster.
    private const int RefusalsBeforeAlarm = 3;
    private const int FailuresBeforeAlarm = 6;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan HandOverTimeout = TimeSpan.FromSeconds(5);

    // Entries up to the state's index are on their way here when it is asked for.
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromSeconds(30);

    private readonly Channel<StoreDamage> _found = Channel.CreateUnbounded<StoreDamage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly StateDownload _download = new(parts.Files, parts.SnapshotFolder, parts.Calls, parts.Clock);
    private readonly RaisedAlarm _alarm = new(parts.Self, AlarmKind.Corrupt);
    private readonly string _self = parts.Self.ToString();
    private bool _hasRaised;
    private int _refusals;

    private bool IsBroken => parts.Store.IsDamaged || parts.Node.IsDamaged;

    /// <summary>Something was found. Any thread; returns at once. Each place is told of once.</summary>
    /// <param name="damage">What and where.</param>
    public void OnDamage(StoreDamage damage)
    {
        parts.Figures.CountDamage();
        RepairLog.Found(parts.Log, _self, damage.File, damage.Offset ?? -1, damage.IsLost, damage.Reason);
        _found.Writer.TryWrite(damage);
    }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="stop">The member stops.</param>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await foreach (StoreDamage damage in _found.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                await MendAsync(damage, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The member stops.
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // Not one of the failures that a try can have.
            parts.Node.Fail(e);
        }
    }

    private async Task MendAsync(StoreDamage damage, CancellationToken stop)
    {
        if (!damage.IsLost && !IsBroken)
        {
            await MendFromMemoryAsync(damage.File, stop).ConfigureAwait(false);
        }

        if (IsBroken)
        {
            parts.Folder.NoteDamage(damage);
            await MendFromMembersAsync(stop).ConfigureAwait(false);
        }
    }

    private async Task MendFromMemoryAsync(string file, CancellationToken stop)
    {
        for (TimeSpan pause = FirstPause; !IsBroken; pause = Longer(pause))
        {
            try
            {
                Task again = parts.Machine.WriteAgainAsync(file);
                parts.Node.ExpectMaintenance();
                await again.WaitAsync(stop).ConfigureAwait(false);
                parts.Figures.CountRepairFromMemory();
                RepairLog.RepairedFromMemory(parts.Log, _self, file);
                return;
            }
            catch (IOException e)
            {
                parts.Figures.CountRepairFailure();
                RepairLog.MemoryRepairFailed(parts.Log, _self, file, e.Message);
            }

            await Task.Delay(pause, parts.Clock, stop).ConfigureAwait(false);
        }
    }

    private async Task MendFromMembersAsync(CancellationToken stop)
    {
        TimeSpan pause = FirstPause;
        _refusals = 0;
        for (int failures = 1; !await TryAsync(isFirst: failures == 1, stop).ConfigureAwait(false); failures++)
        {
            parts.Figures.CountRepairFailure();
            if (_refusals >= RefusalsBeforeAlarm || failures >= FailuresBeforeAlarm || !Others().Any())
            {
                Raise();
            }

            await Task.Delay(pause, parts.Clock, stop).ConfigureAwait(false);
            pause = Longer(pause);
        }

        Lower();
    }

    private async Task<bool> TryAsync(bool isFirst, CancellationToken stop)
    {
        Member[] sources = [.. Others().Where(CanBeAsked).OrderByDescending(m => m.Id == parts.Node.Leader)];
        if (sources.Length == 0)
        {
            if (isFirst)
            {
                RepairLog.NobodyToAsk(parts.Log, _self, parts.Cluster.Current.Members.Count);
            }

            return !IsBroken;
        }

        await HandOverAsync(sources, stop).ConfigureAwait(false);
        foreach (Member source in sources)
        {
            if (!IsBroken)
            {
                break;
            }

            if (await TakeFromAsync(source, stop).ConfigureAwait(false))
            {
                return true;
            }
        }

        if (!IsBroken)
        {
            RepairLog.RepairedBySnapshot(parts.Log, _self);
        }

        _refusals++;

        return !IsBroken;
    }

    // A member whose data are said to differ gives no state to others: two of three would then have what is wrong.
    private bool CanBeAsked(Member member) =>
        parts.Peers.ActiveSince(member.Id) is not null && !parts.Machine.Alarms.Contains(new RaisedAlarm(member.Id, AlarmKind.Corrupt));

    private async Task<bool> TakeFromAsync(Member source, CancellationToken stop)
    {
        RepairLog.Asking(parts.Log, _self, source.Id.ToString(), parts.Node.Applied.Value);
        // From here on nothing is applied that the state which comes may not hold.
        parts.Node.HoldApply(default);
        try
        {
            using StateDownload.Received state = await _download.FromAsync(
                source.PeerUrls, index => parts.Node.HoldApply(index), stop).ConfigureAwait(false);
            using var limit = new CancellationTokenSource(InstallTimeout, parts.Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
            bool replaced = await parts.Node.ReplaceStateAsync(state.Index, state.Term, state.Open, either.Token).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            if (!replaced)
            {
                throw new TimeoutException($"this member did not come to the entry {state.Index} in time");
            }

            parts.Figures.CountRepairFromMember();
            RepairLog.Repaired(parts.Log, _self, source.Id.ToString(), state.Index.Value, state.Term.Value, state.Bytes);
            return true;
        }
        catch (Exception e) when (!stop.IsCancellationRequested
            && e is EtcdErrorException or IOException or InvalidDataException or TimeoutException or OperationCanceledException or HttpRequestException)
        {
            RepairLog.Failed(parts.Log, _self, source.Id.ToString(), e.Message);
            return false;
        }
        finally
        {
            parts.Node.ReleaseApply();
        }
    }

    private async Task HandOverAsync(Member[] sources, CancellationToken stop)
    {
        if (parts.Node.LeadsIn == default || sources.FirstOrDefault(m => !m.IsLearner) is not { } target)
        {
            return;
        }

        try
        {
            await parts.Node.TransferLeadershipAsync(target.Id, HandOverTimeout).WaitAsync(HandOverTimeout, parts.Clock, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (!stop.IsCancellationRequested && e is EtcdErrorException or TimeoutException)
        {
            // It can be repaired all the same; what it serves waits meanwhile.
            RepairLog.HandOverFailed(parts.Log, _self, e.Message);
        }
    }

    private IEnumerable<Member> Others() => parts.Cluster.Current.Members.Where(m => m.Id != parts.Self && m.PeerUrls.Count > 0);

    private void Raise()
    {
        if (!parts.Machine.Alarms.Contains(_alarm))
        {
            RepairLog.Raising(parts.Log, _self);
            _hasRaised = true;
            _ = ProposeAsync(AlarmCommands.Raise(_alarm));
        }
    }

    // One that others have raised may be about more than this.
    private void Lower()
    {
        if (_hasRaised)
        {
            RepairLog.Lowering(parts.Log, _self);
            _hasRaised = false;
            _ = ProposeAsync(AlarmCommands.Lower(_alarm));
        }
    }

    private async Task ProposeAsync(byte[] alarm)
    {
        try
        {
            await parts.Node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, alarm)).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            RepairLog.AlarmFailed(parts.Log, _self, e.Error.Text);
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < PauseMax ? pause * 2 : PauseMax;
}

/// <summary>What a repair works with.</summary>
internal sealed record RepairParts
{
    /// <summary>This member.</summary>
    public required MemberId Self { get; init; }

    /// <summary>The node.</summary>
    public required MemberNode Node { get; init; }

    /// <summary>The state.</summary>
    public required StateMachine Machine { get; init; }

    /// <summary>The keys.</summary>
    public required MvccStore Store { get; init; }

    /// <summary>The store's folder.</summary>
    public required StoreFolder Folder { get; init; }

    /// <summary>The members.</summary>
    public required ClusterState Cluster { get; init; }

    /// <summary>Who of them is reached.</summary>
    public required IPeerTransport Peers { get; init; }

    /// <summary>The way to them.</summary>
    public required IPeerCalls Calls { get; init; }

    /// <summary>The disk.</summary>
    public required Io.IFileSystem Files { get; init; }

    /// <summary>Where a state is put while it arrives.</summary>
    public required string SnapshotFolder { get; init; }

    /// <summary>Where it is counted.</summary>
    public required IntegrityFigures Figures { get; init; }

    /// <summary>The time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Where it is told.</summary>
    public required ILogger Log { get; init; }
}
