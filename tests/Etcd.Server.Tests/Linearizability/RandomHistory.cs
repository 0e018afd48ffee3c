using Etcd.TestKit.Linearizability;

namespace Etcd.Server.Tests.Linearizability;

/// <summary>Histories of a correct store with clients that call at once: each operation takes effect at a random moment of its call.</summary>
internal static class RandomHistory
{
    private static readonly string[] Keys = ["a", "b", "c", "d", "e"];

    public static (List<KvOperation> Calls, List<KvEvent> Events) Make(int seed, int operations, int clients, double unanswered)
    {
        var random = new Random(seed);
        var keys = new Dictionary<string, KvEntry>(StringComparer.Ordinal);
        long revision = 1;
        var free = new long[clients];

        // Plan all calls first, then let them take effect in the order of their moments.
        var planned = new List<(KvOperation Operation, long Moment)>();
        for (int i = 0; i < operations; i++)
        {
            int client = random.Next(clients);
            long from = free[client] + random.Next(1, 20);
            long to = from + random.Next(1, 100);
            bool lost = random.NextDouble() < unanswered;
            var kind = (KvOperationKind)random.Next(4);
            long moment = from + random.Next((int)(to - from) + 1) + (lost ? random.Next(500) : 0);
            free[client] = to;
            planned.Add((new KvOperation(kind, Keys[random.Next(Keys.Length)], kind is KvOperationKind.Put or KvOperationKind.CompareAndPut ? $"v{i}" : null, 0, from, lost ? null : to, null), moment));
        }

        var history = new List<KvOperation>();
        var events = new List<KvEvent>();
        foreach ((KvOperation operation, _) in planned.OrderBy(p => p.Moment))
        {
            bool happens = operation.Returned is not null || random.Next(2) == 0;
            KvEntry? before = keys.GetValueOrDefault(operation.Key);
            bool guessesRight = random.Next(2) == 0;
            long expected = operation.Kind == KvOperationKind.CompareAndPut ? (guessesRight ? before?.ModRevision ?? 0 : 1_000_000) : 0;
            KvAnswer answer = new(revision, true, operation.Kind == KvOperationKind.Get ? before : null);
            long last = revision;
            if (happens)
            {
                answer = Carry(operation, keys, before, guessesRight, ref revision);
            }

            if (revision != last)
            {
                events.Add(new KvEvent(revision, operation.Key, operation.Value));
            }

            history.Add(operation with { ExpectedModRevision = expected, Answer = operation.Returned is null ? null : answer });
        }

        return (history, events);
    }

    /// <summary>Lets one read tell of the state before the last write that was over when the read began.</summary>
    public static List<KvOperation>? Falsify(List<KvOperation> history, int seed)
    {
        var random = new Random(seed);
        var candidates = history.Where(o => o is { Kind: KvOperationKind.Get, Answer: not null }
            && history.Any(w => w.Kind == KvOperationKind.Put && w.Answer is not null && w.Returned < o.Invoked)).ToList();
        if (candidates.Count == 0)
        {
            return null;
        }

        KvOperation read = candidates[random.Next(candidates.Count)];
        KvOperation write = history.Where(w => w.Kind == KvOperationKind.Put && w.Answer is not null && w.Returned < read.Invoked)
            .MaxBy(w => w.Answer!.Revision)!;
        return [.. history.Select(o => ReferenceEquals(o, read) ? o with { Answer = o.Answer! with { Revision = write.Answer!.Revision - 1 } } : o)];
    }

    private static KvAnswer Carry(
        KvOperation operation, Dictionary<string, KvEntry> keys, KvEntry? before, bool guessesRight, ref long revision)
    {
        switch (operation.Kind)
        {
            case KvOperationKind.Get:
                return new KvAnswer(revision, true, before);
            case KvOperationKind.Delete when before is null:
                return new KvAnswer(revision, false, null);
            case KvOperationKind.Delete:
                keys.Remove(operation.Key);
                return new KvAnswer(++revision, true, null);
            case KvOperationKind.CompareAndPut when !guessesRight:
                return new KvAnswer(revision, false, before);
            default:
                revision++;
                keys[operation.Key] = new KvEntry(operation.Value!, before?.CreateRevision ?? revision, revision, (before?.Version ?? 0) + 1);
                return new KvAnswer(revision, true, null);
        }
    }
}
