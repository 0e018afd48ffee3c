using System.Collections.Concurrent;
using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>What only raft knows, and the hand-over of the leadership.</content>
public sealed partial class MemberNode
{
    private readonly ConcurrentQueue<LeaderTransfer> _transfersAsked = new();
    private readonly ConcurrentQueue<TaskCompletionSource<IReadOnlyList<MemberProgress>>> _progressAsked = new();
    private readonly List<LeaderTransfer> _transfers = [];

    /// <summary>
    /// What this member, as leader, knows of all members' logs, for checks before a change of the membership; empty if it does
    /// not lead. Any thread.
    /// </summary>
    public Task<IReadOnlyList<MemberProgress>> ProgressAsync()
    {
        var asked = new TaskCompletionSource<IReadOnlyList<MemberProgress>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _progressAsked.Enqueue(asked);
        RunOnce();
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            asked.TrySetException(stopped.ToException());
        }

        return asked.Task;
    }

    /// <summary>
    /// Hands the leadership to another voter, wherever it is now; completes when that one leads, as far as this member knows. Any
    /// thread.
    /// </summary>
    /// <param name="target">Who is to lead.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <returns>
    /// Faults with "bad leader transferee", "request timed out, leader transfer took too long", or "server stopped".
    /// </returns>
    public Task TransferLeadershipAsync(MemberId target, TimeSpan timeout)
    {
        if (_parts.Cluster.Current.Find(target) is not { IsLearner: false })
        {
            return Task.FromException(EtcdErrors.BadLeaderTransferee.ToException());
        }

        var transfer = new LeaderTransfer(target, _clock.GetTimestamp() + NodeOptions.Timestamps(timeout, _clock));
        _transfersAsked.Enqueue(transfer);
        RunOnce();
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            transfer.TrySetException(stopped.ToException());
        }

        return transfer.Task;
    }

    private bool TakeQuestions()
    {
        bool any = false;
        while (_progressAsked.TryDequeue(out TaskCompletionSource<IReadOnlyList<MemberProgress>>? asked))
        {
            any = true;
            var progress = new List<MemberProgress>();
            _raft.CopyProgress(progress);
            asked.TrySetResult(progress);
        }

        while (_transfersAsked.TryDequeue(out LeaderTransfer? transfer))
        {
            any = true;
            _transfers.Add(transfer);
            // To the one who leads, too: that takes an earlier wish back.
            _raft.Step(new Message { Type = MessageType.TransferLeader, From = transfer.Target });
            LookAtTransfers();
        }

        return any;
    }

    private void LookAtTransfers()
    {
        if (_transfers.Count == 0)
        {
            return;
        }

        long now = _clock.GetTimestamp();
        foreach (LeaderTransfer transfer in _transfers)
        {
            transfer.Error = _raft.Leader == transfer.Target ? null : EtcdErrors.TimeoutLeaderTransfer;
        }

        List<LeaderTransfer> ended = _transfers.FindAll(t => t.Error is null || t.Deadline < now);
        _transfers.RemoveAll(ended.Contains);
        AnswerBatch.Post(_parts.Completions, ended);
    }

    private void EndQuestions(EtcdError why)
    {
        while (_progressAsked.TryDequeue(out TaskCompletionSource<IReadOnlyList<MemberProgress>>? asked))
        {
            asked.TrySetException(why.ToException());
        }

        while (_transfersAsked.TryDequeue(out LeaderTransfer? transfer))
        {
            _transfers.Add(transfer);
        }

        _transfers.ForEach(t => t.Error = why);
        AnswerBatch.Post(_parts.Completions, _transfers);
        _transfers.Clear();
    }
}
