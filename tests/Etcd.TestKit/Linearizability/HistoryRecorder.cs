using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.TestKit.Linearizability;

/// <summary>
/// Clients that put, get, delete and compare-and-put a few keys of a store that nobody else writes to, and keep what they asked,
/// when, and what they were answered. Safe for concurrent use.
/// </summary>
/// <param name="keys">How many keys there are: few, so that clients meet.</param>
/// <param name="attemptMax">How long a client waits for an answer.</param>
public sealed class HistoryRecorder(int keys, TimeSpan attemptMax)
{
    private const int PauseMillisecondsMax = 10;
    private const int PauseAfterFailureMillisecondsMax = 200;

    private readonly ConcurrentQueue<KvOperation> _operations = new();
    private readonly ConcurrentDictionary<string, long> _modRevisions = new(StringComparer.Ordinal);
    private int _values;
    private int _answered;

    /// <summary>How many calls were answered so far.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>What was recorded so far. A get without an answer says nothing and is left out.</summary>
    public IReadOnlyList<KvOperation> Operations => [.. _operations];

    /// <summary>One client that makes one call after the other until it is told to stop.</summary>
    /// <param name="member">
    /// Whom it calls, always: of clients that went from one member to another, each would soon be waiting for the one that is in
    /// trouble.
    /// </param>
    /// <param name="seed">Decides what it asks.</param>
    /// <param name="stop">Ends it between two calls.</param>
    public async Task RunClientAsync(KV.KVClient member, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            bool answered = await CallAsync(member, random);

            // Paced, or the clients would take the processors from the servers.
            int pause = random.Next(answered ? PauseMillisecondsMax : PauseAfterFailureMillisecondsMax);
            await Task.Delay(pause, CancellationToken.None);
        }
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static KvEntry? Entry(IReadOnlyList<KeyValue> found) => found.Count == 0
        ? null
        : new KvEntry(found[0].Value.ToStringUtf8(), found[0].CreateRevision, found[0].ModRevision, found[0].Version);

    private async Task<bool> CallAsync(KV.KVClient member, Random random)
    {
        string key = "k" + random.Next(keys).ToString(CultureInfo.InvariantCulture);
        var kind = (KvOperationKind)random.Next(4);
        bool writes = kind is KvOperationKind.Put or KvOperationKind.CompareAndPut;
        string? value = writes ? "v" + Interlocked.Increment(ref _values).ToString(CultureInfo.InvariantCulture) : null;
        long expected = kind == KvOperationKind.CompareAndPut ? _modRevisions.GetValueOrDefault(key) : 0;
        var operation = new KvOperation(kind, key, value, expected, Stopwatch.GetTimestamp(), null, null);
        try
        {
            KvAnswer answer = await AskAsync(member, operation);
            Interlocked.Increment(ref _answered);
            operation = operation with { Returned = Stopwatch.GetTimestamp(), Answer = answer };
            _modRevisions[key] = writes && answer.Done ? answer.Revision : answer.Found?.ModRevision ?? 0;
        }
        catch (RpcException)
        {
            // It may have been carried out, or may yet be.
        }

        if (operation.Answer is not null || kind != KvOperationKind.Get)
        {
            _operations.Enqueue(operation);
        }

        return operation.Answer is not null;
    }

    private async Task<KvAnswer> AskAsync(KV.KVClient member, KvOperation operation)
    {
        ByteString key = Utf8(operation.Key);
        var options = new CallOptions(deadline: DateTime.UtcNow + attemptMax);
        switch (operation.Kind)
        {
            case KvOperationKind.Get:
                RangeResponse read = await member.RangeAsync(new RangeRequest { Key = key }, options);
                return new KvAnswer(read.Header.Revision, true, Entry(read.Kvs));
            case KvOperationKind.Put:
                PutResponse put = await member.PutAsync(new PutRequest { Key = key, Value = Utf8(operation.Value!) }, options);
                return new KvAnswer(put.Header.Revision, true, null);
            case KvOperationKind.Delete:
                DeleteRangeResponse deleted = await member.DeleteRangeAsync(new DeleteRangeRequest { Key = key }, options);
                return new KvAnswer(deleted.Header.Revision, deleted.Deleted > 0, null);
            default:
                TxnResponse txn = await member.TxnAsync(CompareAndPut(operation), options);
                return new KvAnswer(txn.Header.Revision, txn.Succeeded, txn.Succeeded ? null : Entry(txn.Responses[0].ResponseRange.Kvs));
        }
    }

    private static TxnRequest CompareAndPut(KvOperation operation)
    {
        ByteString key = Utf8(operation.Key);
        return new TxnRequest
        {
            Compare =
            {
                new Compare
                {
                    Key = key,
                    Target = Compare.Types.CompareTarget.Mod,
                    Result = Compare.Types.CompareResult.Equal,
                    ModRevision = operation.ExpectedModRevision,
                },
            },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = Utf8(operation.Value!) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        };
    }
}
