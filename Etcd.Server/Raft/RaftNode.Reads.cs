using Etcd.Server.Primitives;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Server.Raft;

/// <content>Linearizable reads (raft thesis 6.4). A read whose leader is deposed gets no answer: ask again, with another context.</content>
public sealed partial class RaftNode
{
    private StepResult ReadIndex(in Message message, bool mine)
    {
        if (Role != RaftRole.Leader)
        {
            return Forward(message, mine);
        }

        if (!mine && _members.Find(message.From) is null)
        {
            return StepResult.Ignored;
        }

        MemberId from = mine ? Id : message.From;
        if (_reads.IsFull)
        {
            return StepResult.Dropped;
        }

        if (!HasCommittedInTerm)
        {
            // What earlier leaders have committed is not known before (raft thesis 6.4, step 1).
            _reads.Postpone(from, message.Context);
            return StepResult.Accepted;
        }

        TakeRead(new Read(from, message.Context, _log.Committed));
        return StepResult.Accepted;
    }

    private void TakeRead(in Read read)
    {
        if (_members.IsSoleVoter(Id))
        {
            Answer(read);
            return;
        }

        _reads.Add(read);
        _members.Find(Id)!.AcknowledgedMark = _reads.Newest;
        BroadcastHeartbeat();
    }

    private void OnMark(Progress from, ReadOnlySpan<byte> mark)
    {
        ulong number = _reads.Read(mark);
        if (number > from.AcknowledgedMark)
        {
            from.AcknowledgedMark = number;
            AnswerConfirmedReads();
        }
    }

    private void AnswerConfirmedReads()
    {
        ulong confirmed = _members.MarkOfMajority();
        while (_reads.TryTakeConfirmed(confirmed, out Read read))
        {
            Answer(read);
        }
    }

    private void ReleasePostponedReads()
    {
        while (_reads.TryTakePostponed(out Read read))
        {
            TakeRead(read with { Index = _log.Committed });
        }
    }

    private void Answer(in Read read)
    {
        if (read.From == Id)
        {
            _readStates.Add(new ReadState(read.Index, read.Context));
        }
        else
        {
            Send(new Message { Type = MessageType.ReadIndexResp, To = read.From, Index = read.Index, Context = read.Context });
        }
    }
}
