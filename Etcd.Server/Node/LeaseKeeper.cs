using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// The leader's part in the life of leases: expired ones are revoked, and the remaining time of long ones is noted, by commands
/// of the log. A step machine, looked at by every tick.
/// <para>A leader that was paused may have been replaced without knowing, and the leases that it holds for expired renewed
/// elsewhere (etcd issue 15247). So before it lets any end it asks by a round of reads whether it still leads, and what it then
/// proposes enters the log in that same term or not at all.</para>
/// </summary>
internal sealed class LeaseKeeper(MemberNode node, LeaseManager leases, AuthStore? auth, TimeProvider clock)
{
    private readonly List<LeaseId> _expired = [];
    private readonly List<LeaseRecord> _checkpoints = [];
    private long _lookedAt;
    private int _busy;

    /// <summary>Told of a revoke that failed and will be tried again. Any thread.</summary>
    public Action<LeaseId, EtcdError> RevokeFailed { get; set; } = static (_, _) => { };

    /// <summary>A heartbeat interval has passed. Any thread.</summary>
    public void Tick()
    {
        long now = clock.GetTimestamp();
        if (clock.GetElapsedTime(Volatile.Read(ref _lookedAt), now) < TimeSpan.FromMilliseconds(Limits.LeaseTickMilliseconds)
            || !leases.HasDue || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            return;
        }

        Volatile.Write(ref _lookedAt, now);
        Term term = node.LeadsIn;
        if (term == default)
        {
            Volatile.Write(ref _busy, 0);
            return;
        }

        node.CheckLeadership(error => Confirmed(term, error));
    }

    private void Confirmed(Term term, EtcdError? error)
    {
        if (error is null && node.LeadsIn == term)
        {
            _expired.Clear();
            _checkpoints.Clear();
            leases.RunOnce(_expired, _checkpoints);
            foreach (LeaseId lease in _expired)
            {
                Revoke(lease, term);
            }

            if (_checkpoints.Count > 0)
            {
                // One that is lost is made up for by the next.
                _ = node.ProposeAsLeaderAsync(RaftCommand.Create(RaftCommandKind.LeaseCheckpoint, LeaseCommands.Checkpoint(_checkpoints)), term)
                    .ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        Volatile.Write(ref _busy, 0);
    }

    private void Revoke(LeaseId lease, Term term)
    {
        RaftCommand command = RaftCommand.Create(RaftCommandKind.LeaseRevoke, LeaseCommands.Revoke(lease));
        if (auth?.Current is { IsEnabled: true } now)
        {
            // The lease may have keys that are nobody else's to delete.
            command.Identify(new AuthInfo(AuthUser.Root, now.Revision));
        }

        _ = node.ProposeAsLeaderAsync(command, term).ContinueWith(
            (task, _) =>
            {
                if (task.IsCompletedSuccessfully)
                {
                    node.Figures.CountExpiredLease();
                }

                // A client may have revoked it first.
                if (task.Exception?.GetBaseException() is EtcdErrorException e && e.Error != EtcdErrors.LeaseNotFound)
                {
                    RevokeFailed(lease, e.Error);
                }
            },
            null,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
