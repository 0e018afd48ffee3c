using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The reads that a leader has to confirm (raft thesis 6.4): each gets a number, and the heartbeats carry the newest number as a
/// mark. A mark that comes back from a majority proves, for all reads up to it, that this was still the leader after
/// they had begun.
/// </summary>
/// <remarks>
/// The numbers count from one in each term, so no two marks of a term are the same, whatever contexts the requests bring:
/// an answer to an earlier heartbeat never confirms a later read (etcd #20418, raft #397). Answers of earlier terms do not get
/// here.
/// </remarks>
internal sealed class ReadConfirmation
{
    /// <summary>Reads that may wait; more are dropped.</summary>
    public const int ReadsMax = 65536;

    private readonly Queue<Read> _unconfirmed = new();
    private readonly Queue<Read> _postponed = new();
    private ulong _confirmed;
    private byte[]? _mark;

    /// <summary>Whether no more reads are taken.</summary>
    public bool IsFull => _unconfirmed.Count + _postponed.Count >= ReadsMax;

    /// <summary>The number of the newest read.</summary>
    public ulong Newest => _confirmed + (ulong)_unconfirmed.Count;

    /// <summary>What heartbeats carry: empty if no read waits.</summary>
    public ReadOnlyMemory<byte> Mark
    {
        get
        {
            if (_unconfirmed.Count == 0)
            {
                return default;
            }

            if (_mark is null)
            {
                _mark = new byte[sizeof(ulong)];
                System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(_mark, Newest);
            }

            return _mark;
        }
    }

    /// <summary>A read that waits for the first committed entry of the term.</summary>
    public void Postpone(MemberId from, ReadOnlyMemory<byte> context) => _postponed.Enqueue(new Read(from, context, default));

    /// <summary>The next read that was postponed.</summary>
    public bool TryTakePostponed(out Read read) => _postponed.TryDequeue(out read);

    /// <summary>A read that waits for confirmation.</summary>
    public void Add(in Read read)
    {
        _unconfirmed.Enqueue(read);
        _mark = null;
    }

    /// <summary>The number in a mark that came back; zero if it is none of this leader's.</summary>
    public ulong Read(ReadOnlySpan<byte> mark)
    {
        ulong number = mark.Length == sizeof(ulong) ? System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(mark) : 0;
        return number <= Newest ? number : 0;
    }

    /// <summary>The next read whose number is not above a mark that a majority has sent back.</summary>
    public bool TryTakeConfirmed(ulong mark, out Read read)
    {
        if (mark <= _confirmed || !_unconfirmed.TryDequeue(out read))
        {
            read = default;
            return false;
        }

        _confirmed++;
        return true;
    }

    /// <summary>Forgets all, for a new term or role.</summary>
    public void Clear()
    {
        _unconfirmed.Clear();
        _postponed.Clear();
        _confirmed = 0;
        _mark = null;
    }
}

/// <summary>A read that waits at the leader.</summary>
/// <param name="From">Who asked.</param>
/// <param name="Context">What came with the request.</param>
/// <param name="Index">What was committed when it was taken.</param>
internal readonly record struct Read(MemberId From, ReadOnlyMemory<byte> Context, LogIndex Index);
