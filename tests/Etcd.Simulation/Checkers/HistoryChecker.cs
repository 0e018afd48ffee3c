using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Engine;

namespace Etcd.Simulation.Checkers;

/// <summary>
/// What clients may see: every answer is the model's answer at the command's place in the log; places follow real time
/// (what was acknowledged before a request began is before it in the log); a linearizable read sees at least all that was
/// acknowledged before it began. With revisions this is linearizability, without a search.
/// </summary>
internal sealed class HistoryChecker(Scheduler scheduler, bool clocksAreRight)
{
    private readonly List<AppliedCommand> _applied = [new AppliedCommand(0, 1, default, 0)];
    private readonly Dictionary<ulong, ulong> _places = [];
    private readonly Dictionary<ulong, ulong> _answeredBefore = [];
    private readonly Dictionary<long, (long At, long Ticks)> _granted = [];
    private ulong _acknowledgedIndex;
    private long _acknowledgedRevision = 1;

    /// <summary>The state after everything that was applied anywhere.</summary>
    public KvModel Model { get; } = new();

    /// <summary>The highest revision that any client was told of.</summary>
    public long AcknowledgedRevision => _acknowledgedRevision;

    /// <summary>The highest index whose command was answered.</summary>
    public ulong AcknowledgedIndex => _acknowledgedIndex;

    /// <summary>Answers that were compared with the model.</summary>
    public long Answers { get; private set; }

    /// <summary>Linearizable reads that were compared with the model.</summary>
    public long Reads { get; private set; }

    /// <summary>The revision after an entry.</summary>
    public long RevisionAt(ulong index) => _applied[(int)index].Revision;

    /// <summary>An entry is applied for the first time.</summary>
    public void OnFirstApply(in Entry entry)
    {
        Invariant.Check((ulong)_applied.Count == entry.Index.Value, "the observer sees every entry once, in order");
        if (entry.Type != EntryType.Normal || entry.Data.IsEmpty)
        {
            _applied.Add(new AppliedCommand(0, Model.Revision, default, 0));
            return;
        }

        InternalRaftRequest command = InternalRaftRequest.Parser.ParseFrom(entry.Data.Span);
        ulong id = command.Header?.ID ?? command.ID;
        if (id != 0 && !_places.TryAdd(id, entry.Index.Value))
        {
            throw new SimulationFailure("at most once", $"request {id:x} is in the log at {_places[id]} and at {entry.Index.Value}");
        }

        CheckLease(command, id);
        ModelOutcome outcome = Model.Apply(command);
        _applied.Add(new AppliedCommand(id, Model.Revision, outcome, 0));
    }

    /// <summary>A member has applied an entry and got an outcome.</summary>
    public void OnOutcome(MemberId member, ulong index, ApplyOutcome? outcome)
    {
        ulong hash = outcome is null
            ? 1
            : Fnv.Of(outcome.Body.Span, Fnv.Of((ulong)outcome.Revision, Fnv.Of((ulong)(outcome.Error is null ? 0 : 1 + (int)outcome.Error.Id), Fnv.Start)));
        AppliedCommand applied = _applied[(int)index];
        if (applied.OutcomeHash == 0)
        {
            _applied[(int)index] = applied with { OutcomeHash = hash };
        }
        else if (applied.OutcomeHash != hash)
        {
            throw new SimulationFailure("same outcome", $"{member} applies entry {index} with another outcome than the members before it");
        }
    }

    /// <summary>The state that readers of a member see belongs to what it has applied.</summary>
    public void OnVisible(MemberId member, ulong applied, long revision)
    {
        if (RevisionAt(applied) != revision)
        {
            throw new SimulationFailure("revision", $"{member} has applied {applied} and shows revision {revision}; it must be {RevisionAt(applied)}");
        }
    }

    /// <summary>A client sends a command.</summary>
    /// <param name="id">The id of the request.</param>
    public void OnAsk(ulong id) => _answeredBefore[id] = _acknowledgedIndex;

    /// <summary>A client gets an answer that says what became of its command.</summary>
    public void OnAnswer(string client, ulong id, ApplyOutcome? outcome, EtcdError? error, bool isTxn)
    {
        if (!_places.TryGetValue(id, out ulong index))
        {
            throw new SimulationFailure("committed lost", $"{client}: request {id:x} was answered and is nowhere in the log that was applied");
        }

        ulong before = _answeredBefore[id];
        if (index <= before)
        {
            throw new SimulationFailure(
                "real time", $"{client}: a command at {index} was asked for after one at {before} had been answered");
        }

        ModelOutcome expected = _applied[(int)index].Outcome;
        if (expected.Error != error)
        {
            throw new SimulationFailure("answer", $"{client}: entry {index} was answered with {error?.Text ?? "success"}; expected {expected.Error?.Text ?? "success"}");
        }

        if (outcome is not null)
        {
            CheckOutcome(client, index, expected, outcome, isTxn);
        }

        Answers++;
        _acknowledgedIndex = Math.Max(_acknowledgedIndex, index);
        _acknowledgedRevision = Math.Max(_acknowledgedRevision, RevisionAt(index));
    }

    /// <summary>A client gets the answer to a read.</summary>
    /// <param name="client">Which client.</param>
    /// <param name="key">What it asked for.</param>
    /// <param name="notBefore">The least revision that it may see: for a linearizable read what was acknowledged when it began.</param>
    /// <param name="revision">The revision that was read.</param>
    /// <param name="found">What was there.</param>
    /// <param name="linearizable">Whether later reads may not see less.</param>
    public void OnRead(string client, string key, long notBefore, long revision, (long Modified, string Value)? found, bool linearizable)
    {
        if (revision < notBefore)
        {
            throw new SimulationFailure("stale read", $"{client} read revision {revision} of {key} after revision {notBefore} had been acknowledged");
        }

        if (revision > Model.Revision)
        {
            throw new SimulationFailure("read", $"{client} read revision {revision}, which nobody has made");
        }

        ModelVersion? expected = Model.At(key, revision);
        if ((expected?.Modified, expected?.Value) != (found?.Modified, found?.Value))
        {
            throw new SimulationFailure(
                "read", $"{client} read {key} at {revision}: {found?.Value ?? "nothing"}; it must be {expected?.Value ?? "nothing"}");
        }

        Reads++;
        if (linearizable)
        {
            _acknowledgedRevision = Math.Max(_acknowledgedRevision, revision);
        }
    }

    /// <summary>A lease ends by itself no sooner than its time after its grant (the leader's clock must not be wrong for that).</summary>
    private void CheckLease(InternalRaftRequest command, ulong id)
    {
        if (command.LeaseGrant is { } grant)
        {
            _granted.TryAdd(grant.ID, (scheduler.Now, grant.TTL * Scheduler.Second));
        }
        else if (clocksAreRight && command.LeaseRevoke is { } revoke && !_answeredBefore.ContainsKey(id)
            && _granted.TryGetValue(revoke.ID, out (long At, long Ticks) granted) && scheduler.Now - granted.At < granted.Ticks)
        {
            throw new SimulationFailure(
                "lease", $"lease {revoke.ID} of {granted.Ticks / Scheduler.Second} s was revoked {(scheduler.Now - granted.At) / Scheduler.Millisecond} ms after its grant");
        }
    }

    private static void CheckOutcome(string client, ulong index, ModelOutcome expected, ApplyOutcome outcome, bool isTxn)
    {
        if (outcome.Revision != expected.Revision)
        {
            throw new SimulationFailure("answer", $"{client}: entry {index} was answered with revision {outcome.Revision}, not {expected.Revision}");
        }

        if (isTxn && TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded != expected.Succeeded)
        {
            throw new SimulationFailure("answer", $"{client}: the transaction at {index} took the wrong branch");
        }
    }

    private readonly record struct AppliedCommand(ulong RequestId, long Revision, ModelOutcome Outcome, ulong OutcomeHash);
}
