using Etcd.Protocol.Errors;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Permissions;
using Etcd.Server.Apply.Space;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply;

/// <summary>
/// The replicated state: the store, the leases, the membership, the alarms and the users, and what each command does to them. Every
/// entry is applied, those that are refused and those that change nothing too, so that all members stay at the same place.
/// <para>A command passes what etcd puts before its core, in etcd's order: alarms that are raised may refuse it; then the rights of
/// whoever asked; then the quota, which is each member's own, is looked at, and the command is applied whatever it says.</para>
/// </summary>
public sealed partial class StateMachine : IStateMachine
{
    private readonly MvccStore _store;
    private readonly ClusterState _cluster;
    private readonly KvApplier _kv;
    private readonly LeaseManager _leaseRoom;
    private readonly LeaseApplier _leases;
    private readonly MembershipApplier _membership;
    private readonly AlarmApplier _alarms;
    private readonly AlarmGate _gate;
    private readonly AuthApplier _auth;
    private readonly PermissionGate _permissions;
    private readonly SpaceQuota _quota;
    private int _unmeasuredBytes;

    /// <summary>Puts the rooms together.</summary>
    /// <param name="store">The keys.</param>
    /// <param name="leases">The leases.</param>
    /// <param name="cluster">The members.</param>
    /// <param name="learnersMax">Most learners at a time; the same on all members (--max-learners).</param>
    /// <param name="quota">This member's quota; null for none.</param>
    /// <param name="auth">Users and roles; null for such without tokens.</param>
    public StateMachine(
        MvccStore store,
        LeaseManager leases,
        ClusterState cluster,
        int learnersMax = Limits.LearnersMax,
        SpaceQuota? quota = null,
        AuthStore? auth = null)
    {
        Auth = auth ?? new AuthStore();
        _store = store;
        _cluster = cluster;
        _leaseRoom = leases;
        _membership = new MembershipApplier(cluster, learnersMax);
        _kv = new KvApplier(store, leases);
        _leases = new LeaseApplier(leases, _kv, () => _store.WorkingRevision);
        _alarms = new AlarmApplier(Alarms, () => _store.WorkingRevision);
        _gate = new AlarmGate(Alarms);
        _auth = new AuthApplier(Auth, () => _store.WorkingRevision);
        _permissions = new PermissionGate(Auth, leases);
        _quota = quota ?? new SpaceQuota(store, bytes: -1);
    }

    /// <inheritdoc/>
    public bool NeedsMaintenance
    {
        get => field || !_defragmentsAsked.IsEmpty || !_toWriteAgain.IsEmpty;
        private set;
    }

    /// <summary>The alarms.</summary>
    public AlarmBoard Alarms { get; } = new();

    /// <summary>Users and roles.</summary>
    public AuthStore Auth { get; }

    /// <summary>What was done to the keys.</summary>
    public StoreFigures Figures => _kv.Figures;

    /// <summary>How far the work of compactions has come.</summary>
    public CompactionProgress CompactionProgress { get; } = new();

    /// <inheritdoc/>
    public ApplyOutcome? Apply(in Entry entry, out ulong requestId)
    {
        requestId = 0;
        Remember(entry);
        // A new leader's first entry is empty.
        if (entry.Data.IsEmpty)
        {
            return null;
        }

        CommandReader command = CommandReader.Read(entry.Data);
        requestId = command.RequestId;
        return Admit(command);
    }

    /// <inheritdoc/>
    public ApplyOutcome ApplyConfChange(in Entry entry, out ulong requestId, out ConfChange change)
    {
        Remember(entry);
        ConfChangeCommand command = ConfChangeCommand.Decode(entry.Data.Span);
        requestId = command.RequestId;
        EtcdError? refusal = _membership.Apply(command);
        change = new ConfChange(command.Kind, refusal is null ? command.Id : MemberId.None);
        return refusal is null ? new ApplyOutcome(_store.WorkingRevision) : new ApplyOutcome(refusal, _store.WorkingRevision);
    }

    /// <inheritdoc/>
    public void Publish(LogIndex applied)
    {
        _store.Publish();
        CheckpointIfDue();
        if (_unmeasuredBytes >= Limits.QuotaMeasureBytes)
        {
            _unmeasuredBytes = 0;
            _quota.Measure();
        }
    }

    /// <inheritdoc/>
    public void Abandon() => _store.Abandon();

    /// <inheritdoc/>
    public TimeSpan Maintain()
    {
        StoreWork work = MaintainStore();
        NeedsMaintenance = work != StoreWork.None || UsesDisk;
        CompactionProgress.Advance(_store.FinishedCompactRevision);
        if (work == StoreWork.None)
        {
            _quota.Measure();
        }

        return work switch
        {
            StoreWork.Worked => TimeSpan.Zero,
            StoreWork.Waiting => TimeSpan.FromMilliseconds(1),
            _ => UsesDisk ? DiskPoll : Timeout.InfiniteTimeSpan,
        };
    }

    private ApplyOutcome? Admit(in CommandReader command)
    {
        if ((_gate.Refuse(command) ?? _permissions.Refuse(command)) is { } refusal)
        {
            return new ApplyOutcome(refusal, _store.WorkingRevision);
        }

        bool fits = _quota.HasRoomFor(command);
        _unmeasuredBytes += command.Payload.Length;
        ApplyOutcome? outcome = Apply(command);
        return fits || outcome is not { Error: null } ? outcome : ApplyOutcome.BeyondQuota(outcome.Revision);
    }

    private ApplyOutcome? Apply(in CommandReader command)
    {
        switch (command.Field)
        {
            case CommandFields.Put:
                return _kv.Put(command.Payload);
            case CommandFields.DeleteRange:
                return _kv.DeleteRange(command.Payload);
            case CommandFields.Txn:
                return _kv.Txn(command.Payload);
            case CommandFields.Compaction:
                NeedsMaintenance = true;
                return _kv.Compact(command.Payload);
            case CommandFields.LeaseGrant:
                return _leases.Grant(command.Payload);
            case CommandFields.LeaseRevoke:
                return _leases.Revoke(command.Payload);
            case CommandFields.Alarm:
                return _alarms.Apply(command.Payload);
            case CommandFields.LeaseCheckpoint:
                return _leases.Checkpoint(command.Payload);
            case CommandFields.ClusterVersionSet:
                _cluster.SetVersion(ClusterVersionSetRequest.Parser.ParseFrom(command.Payload.Span).Ver);
                return new ApplyOutcome(_store.WorkingRevision);
            case CommandFields.ClusterMemberAttrSet:
                ClusterMemberAttrSetRequest request = ClusterMemberAttrSetRequest.Parser.ParseFrom(command.Payload.Span);
                _cluster.SetAttributes(
                    new MemberId(request.MemberID), request.MemberAttributes.Name, [.. request.MemberAttributes.ClientUrls]);
                return new ApplyOutcome(_store.WorkingRevision);
            case CommandFields.DowngradeInfoSet:
                DowngradeInfoSetRequest downgrade = DowngradeInfoSetRequest.Parser.ParseFrom(command.Payload.Span);
                _cluster.SetDowngrade(downgrade.Enabled ? new Downgrade(downgrade.Ver) : Downgrade.None);
                return new ApplyOutcome(_store.WorkingRevision);
            case LegacyRequest.MethodField:
                LegacyRequest.Apply(command.Payload.Span, _cluster);
                return new ApplyOutcome(_store.WorkingRevision);
            default:
                if (CommandFields.ChangesUsers(command.Field))
                {
                    // Rights are seen at once: nobody may read by new ones what was there before them.
                    _store.Publish();
                }

                if (_auth.Apply(command, _last.Index) is { } outcome)
                {
                    return outcome;
                }

                // Written by a version that knows more. Members that cannot apply it must not pretend that they did.
                Invariant.Check(command.Field == 0, $"the log holds only commands that this version knows, not field {command.Field}");
                return null;
        }
    }
}
