using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Node;
using Etcd.Server.Node.Compaction;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>
/// Carries out a compaction schedule: the leader proposes what it says, as leader of its term or not at all; the other members
/// only keep their notes, so that whoever leads next can go on. <see cref="Tick"/>: the timer.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="store">Whose history is compacted.</param>
/// <param name="schedule">When, and up to where.</param>
/// <param name="kind">"periodic" or "revision", for the log.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where it is told.</param>
internal sealed class AutoCompactor(
    MemberNode node, MvccStore store, ICompactionSchedule schedule, string kind, TimeProvider clock, ILogger log)
{
    private readonly Lock _gate = new();

    /// <summary>A heartbeat interval has passed.</summary>
    public void Tick()
    {
        Term led = node.LeadsIn;
        long? revision;
        lock (_gate)
        {
            revision = schedule.Next(store.CurrentRevision, isPaused: led == default);
        }

        if (revision is { } target)
        {
            _ = CompactAsync(target, led);
        }
    }

    private async Task CompactAsync(long revision, Term led)
    {
        UpkeepLog.CompactionStarting(log, kind, revision);
        long began = clock.GetTimestamp();
        bool succeeded = true;
        try
        {
            var request = new CompactionRequest { Revision = revision };
            await node.ProposeAsLeaderAsync(RaftCommand.Create(RaftCommandKind.Compaction, request.ToByteArray()), led).ConfigureAwait(false);
        }
        catch (EtcdErrorException e) when (e.Error == EtcdErrors.Compacted)
        {
            // Somebody has asked for as much already.
        }
        catch (EtcdErrorException e)
        {
            succeeded = false;
            UpkeepLog.CompactionFailed(log, kind, revision, schedule.RetryInterval.ToString(), e.Error.Text);
        }

        if (succeeded)
        {
            UpkeepLog.CompactionCompleted(log, kind, revision, clock.GetElapsedTime(began).ToString());
        }

        lock (_gate)
        {
            schedule.Done(revision, succeeded);
        }
    }
}
