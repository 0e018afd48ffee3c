using System.Buffers.Binary;
using Etcd.Protocol.Errors;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Linearizable reads by read index (raft thesis 6.4), batched: all reads that wait share one question to the leader. A read that
/// comes while a question is under way waits for the next one, which leaves as soon as this one is answered: the answer may be
/// older than the read. Reads that find no leader wait for one; reads whose question is under way when the leader changes are
/// told so, as in etcd.
/// <para><see cref="Add"/> may be called by any thread; all else by the owner of raft.</para>
/// </summary>
internal sealed class ReadRounds(RequestIds ids, ApplyLoop apply, AppliedWaiters applied, ICompletions completions, int retryTicks, NodeFigures figures)
{
    private readonly Lock _gate = new();
    private readonly List<ulong> _contexts = [];
    private List<IRead> _arriving = [];
    private List<IRead> _asking = [];
    private int _ticks;
    private bool _hasArrived;
    private int _isUnderWay;

    /// <summary>Whether the next question can be asked.</summary>
    public bool CanStart => _contexts.Count == 0 && Volatile.Read(ref _hasArrived);

    /// <summary>
    /// Whether a question is under way: its answer brings the owner, who then looks for reads that have come meanwhile. Any
    /// thread, after <see cref="Add"/>.
    /// </summary>
    public bool IsUnderWay => Volatile.Read(ref _isUnderWay) != 0;

    /// <summary>A read begins to wait.</summary>
    public void Add(IRead read)
    {
        lock (_gate)
        {
            _arriving.Add(read);
            Volatile.Write(ref _hasArrived, true);
        }
    }

    /// <summary>Asks for those that wait, if no question is under way; asks again if the last one has gone unanswered for long.</summary>
    /// <returns>Whether anything was asked.</returns>
    public bool Run(IRaft raft)
    {
        if (CanStart)
        {
            // Those that found no leader before are asked for together with these.
            lock (_gate)
            {
                if (_asking.Count == 0)
                {
                    (_arriving, _asking) = (_asking, _arriving);
                }
                else
                {
                    _asking.AddRange(_arriving);
                    _arriving.Clear();
                }

                _hasArrived = false;
            }
        }

        bool due = _asking.Count > 0 && (_contexts.Count == 0 || _ticks >= retryTicks);
        return due && Ask(raft);
    }

    /// <summary>A heartbeat interval has passed.</summary>
    public void Tick() => _ticks++;

    /// <summary>An answer has come; it holds for all reads of its round, because every question of it was asked after they came.</summary>
    /// <param name="state">The answer.</param>
    public void Answer(in ReadState state)
    {
        if (state.Context.Length != sizeof(ulong) || !_contexts.Contains(BinaryPrimitives.ReadUInt64BigEndian(state.Context.Span)))
        {
            // Of a round that has ended.
            figures.CountSlowReadIndex();
            return;
        }

        List<IRead> reads = TakeAsking();
        if (apply.Applied >= state.Index)
        {
            AnswerBatch.Post(completions, reads);
        }
        else
        {
            applied.Add(state.Index, reads);
            if (apply.Applied >= state.Index)
            {
                applied.Release(state.Index);
            }
        }

        reads.Clear();
    }

    /// <summary>Another leader: the question that is under way may have gone to the one before.</summary>
    public void LeaderChanged()
    {
        if (_contexts.Count > 0)
        {
            figures.CountFailedReadIndex();
            Fail(TakeAsking(), EtcdErrors.LeaderChanged);
        }
    }

    /// <summary>Answers the reads whose deadline is before a timestamp.</summary>
    public void Expire(long before)
    {
        List<IRead> expired = [];
        _asking.RemoveAll(read => read.Expire(before, EtcdErrors.Timeout, expired));
        if (_asking.Count == 0)
        {
            EndRound();
        }

        lock (_gate)
        {
            _arriving.RemoveAll(read => read.Expire(before, EtcdErrors.Timeout, expired));
            Volatile.Write(ref _hasArrived, _arriving.Count > 0);
        }

        if (expired.Count > 0)
        {
            figures.CountSlowReadIndex();
        }

        AnswerBatch.Post(completions, expired);
    }

    /// <summary>Nobody will be answered any more. Any thread, after the owner has stopped or under its guard.</summary>
    public void FailArriving(EtcdError why)
    {
        List<IRead> reads;
        lock (_gate)
        {
            reads = [.. _arriving];
            _arriving.Clear();
        }

        Fail(reads, why);
    }

    /// <summary>As <see cref="FailArriving"/>, for those whose question is under way; the owner.</summary>
    public void FailAsking(EtcdError why) => Fail(TakeAsking(), why);

    private bool Ask(IRaft raft)
    {
        if (raft.Leader.IsNone)
        {
            return false;
        }

        ulong id = ids.Next();
        byte[] context = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(context, id);
        if (raft.Step(new Message { Type = MessageType.ReadIndex, From = raft.Id, Context = context }) != StepResult.Accepted)
        {
            return false;
        }

        _contexts.Add(id);
        _ticks = 0;
        Volatile.Write(ref _isUnderWay, 1);
        return true;
    }

    private List<IRead> TakeAsking()
    {
        List<IRead> reads = _asking;
        _asking = [];
        EndRound();
        return reads;
    }

    private void EndRound()
    {
        _contexts.Clear();
        // A full fence: a read that saw the question under way is there when the owner looks next.
        Interlocked.Exchange(ref _isUnderWay, 0);
    }

    private void Fail(List<IRead> reads, EtcdError why)
    {
        reads.ForEach(read => read.Error = why);
        AnswerBatch.Post(completions, reads);
    }
}
