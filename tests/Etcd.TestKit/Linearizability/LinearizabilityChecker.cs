using System.Globalization;

namespace Etcd.TestKit.Linearizability;

/// <summary>
/// Whether a history of calls could have come from a single copy of the store that carries out one operation at a time, each
/// at some moment between its call and its answer (Herlihy and Wing). The search is Wing and Gong's, with Lowe's memo of
/// what was tried already: the set of operations placed so far together with the state that they led to.
/// </summary>
/// <remarks>
/// An operation without an answer may be placed anywhere after its call, or nowhere. That alone would make the search
/// explode after a few crashes, so it uses what etcd's answers tell: every write has a revision of its own. One without an
/// answer is placed only where the next revision belongs to no answered write, and, where it is known what that revision
/// wrote (from a watch over the whole run, or from a read that saw it), only if it is the one that wrote it. What a watch told
/// is checked by the way: the answers must agree with it.
/// </remarks>
public sealed class LinearizabilityChecker
{
    private readonly IReadOnlyList<KvOperation> _operations;
    private readonly HashSet<long> _answered;
    private readonly Dictionary<long, KvEvent> _seen;
    private readonly bool _seenAll;
    private readonly long _lastSeen;
    private readonly Link _head = new(-1, isCall: false);
    private readonly KvModel _model;
    private readonly HashSet<(UInt128 Placed, UInt128 State, long Revision)> _tried = [];
    private readonly Stack<(Link Call, KvModel.Change Undo)> _path = new();
    private UInt128 _placed;
    private int _toPlace;
    private int _deepest;
    private Link? _stuckAt;
    private string _stuck = "";

    private LinearizabilityChecker(IReadOnlyList<KvOperation> operations, IReadOnlyList<KvEvent>? events, long firstRevision)
    {
        _seenAll = events is not null;
        _seen = (events ?? []).ToDictionary(e => e.Revision);
        _lastSeen = _seen.Keys.DefaultIfEmpty().Max();
        _operations = operations;
        _model = new KvModel(firstRevision);
        _answered = [.. operations.Where(IsAnsweredWrite).Select(o => o.Answer!.Revision)];
        foreach (KvEntry entry in operations.Select(o => o.Answer?.Found).OfType<KvEntry>())
        {
            _lastSeen = Math.Max(_lastSeen, entry.ModRevision);
        }

        foreach (KvOperation read in operations.Where(o => o.Answer?.Found is not null))
        {
            KvEntry found = read.Answer!.Found!;
            _seen.TryAdd(found.ModRevision, new KvEvent(found.ModRevision, read.Key, found.Value));
        }

        foreach (KvOperation operation in operations.Where(o => o.Answer is not null))
        {
            _lastSeen = Math.Max(_lastSeen, operation.Answer!.Revision);
        }

        _toPlace = operations.Count(o => o.Answer is not null);
        LinkUp();
    }

    /// <summary>Checks a history.</summary>
    /// <param name="operations">All calls of all clients, in any order. The store held nothing else.</param>
    /// <param name="events">
    /// What a watch over the whole run has told: every write, at least up to the last one that an answer tells of. Null if there
    /// was none; with many unanswered calls the search may then take very long.
    /// </param>
    /// <param name="firstRevision">The store's revision before the first write; 1 for a new one.</param>
    /// <returns>Null if it is linearizable; otherwise what cannot be placed.</returns>
    public static string? Check(
        IReadOnlyList<KvOperation> operations, IReadOnlyList<KvEvent>? events = null, long firstRevision = 1) =>
        FindClash(operations) ?? new LinearizabilityChecker(operations, events, firstRevision).Search();

    /// <summary>Two writes with one revision need no search.</summary>
    private static string? FindClash(IReadOnlyList<KvOperation> operations)
    {
        var owners = new Dictionary<long, KvOperation>();
        foreach (KvOperation write in operations.Where(IsAnsweredWrite))
        {
            if (!owners.TryAdd(write.Answer!.Revision, write))
            {
                return $"two writes have revision {write.Answer.Revision}:\n{owners[write.Answer.Revision]}\n{write}";
            }
        }

        return null;
    }

    private static bool IsAnsweredWrite(KvOperation operation) =>
        operation is { Answer.Done: true, Kind: not KvOperationKind.Get };

    private string? Search()
    {
        Link? at = _head.Next;
        while (_toPlace > 0)
        {
            if (at is { IsCall: true })
            {
                at = TryPlace(at) ? _head.Next : at.Next;
                continue;
            }

            // An answer of an operation that is not placed (or the end): what was placed before was placed wrongly.
            NoteWhereStuck(at);
            if (!_path.TryPop(out (Link Call, KvModel.Change Undo) last))
            {
                return Explain();
            }

            Unplace(last.Call, last.Undo);
            at = last.Call.Next;
        }

        return null;
    }

    private bool TryPlace(Link call)
    {
        KvOperation operation = _operations[call.Operation];
        if (operation.Answer is null && !MayHaveHappenedNow(operation))
        {
            return false;
        }

        if (_seenAll && IsAnsweredWrite(operation)
            && !(_seen.TryGetValue(operation.Answer!.Revision, out KvEvent? wrote) && IsWriteOf(operation, wrote)))
        {
            return false;
        }

        if (!_model.TryStep(operation, out KvModel.Change undo))
        {
            return false;
        }

        _placed ^= Fingerprints.OfOperation(call.Operation);
        if (!_tried.Add((_placed, _model.Fingerprint, _model.Revision)))
        {
            _placed ^= Fingerprints.OfOperation(call.Operation);
            _model.Undo(undo);
            return false;
        }

        _path.Push((call, undo));
        _toPlace -= operation.Answer is null ? 0 : 1;
        call.Unlink();
        call.Partner?.Unlink();
        return true;
    }

    private void Unplace(Link call, in KvModel.Change undo)
    {
        call.Partner?.Relink();
        call.Relink();
        _toPlace += _operations[call.Operation].Answer is null ? 0 : 1;
        _placed ^= Fingerprints.OfOperation(call.Operation);
        _model.Undo(undo);
    }

    /// <summary>Whether a call without an answer may be what the next revision was made by.</summary>
    private bool MayHaveHappenedNow(KvOperation operation)
    {
        long next = _model.Revision + 1;
        if (operation.Kind == KvOperationKind.Get || next > _lastSeen || _answered.Contains(next))
        {
            return false;
        }

        return _seen.TryGetValue(next, out KvEvent? wrote) ? IsWriteOf(operation, wrote) : !_seenAll;
    }

    private static bool IsWriteOf(KvOperation operation, KvEvent wrote) =>
        operation.Key == wrote.Key && operation.Value == wrote.Value;

    private void NoteWhereStuck(Link? at)
    {
        if (_path.Count >= _deepest && at is not null)
        {
            _deepest = _path.Count;
            _stuckAt = at;
            _stuck = string.Join('\n', _path.Take(8).Reverse().Select(p => "  " + _operations[p.Call.Operation]));
        }
    }

    private string Explain() => string.Create(
        CultureInfo.InvariantCulture,
        $"no order explains this answer (the longest one placed {_deepest} operations, the last of them first below):\n{(_stuckAt is null ? "(none)" : _operations[_stuckAt.Operation])}\nafter\n{_stuck}");

    private void LinkUp()
    {
        var events = new List<(long Time, int Order, Link Link)>();
        for (int i = 0; i < _operations.Count; i++)
        {
            var call = new Link(i, isCall: true);
            events.Add((_operations[i].Invoked, 0, call));
            if (_operations[i].Returned is { } returned)
            {
                call.Partner = new Link(i, isCall: false);
                events.Add((returned, 1, call.Partner));
            }
        }

        // At one moment calls come before answers: nothing says that one was over before the other began.
        Link last = _head;
        foreach ((_, _, Link link) in events.OrderBy(e => e.Time).ThenBy(e => e.Order))
        {
            last.Next = link;
            link.Previous = last;
            last = link;
        }
    }

    /// <summary>A call or an answer in the order of time; taken out while its operation is placed.</summary>
    private sealed class Link(int operation, bool isCall)
    {
        public int Operation { get; } = operation;

        public bool IsCall { get; } = isCall;

        public Link? Partner { get; set; }

        public Link? Previous { get; set; }

        public Link? Next { get; set; }

        public void Unlink()
        {
            Previous!.Next = Next;
            Next?.Previous = Previous;
        }

        public void Relink()
        {
            Previous!.Next = this;
            Next?.Previous = this;
        }
    }
}
