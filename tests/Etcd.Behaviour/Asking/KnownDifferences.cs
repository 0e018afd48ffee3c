using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// Every difference in an answer between the reference, etcd 3.5.16, and the contract, etcd 3.7.1. An answer of the reference is
/// lifted to the contract's before it is compared, and the case that shows a difference fails if it no longer occurs.
/// </summary>
/// <param name="Name">Its name, as cases that show it say it.</param>
/// <param name="Source">Where 3.7.1's source says so.</param>
internal sealed record KnownDifference(string Name, string Source)
{
    /// <summary>The reference's line, where a difference is one of text.</summary>
    public string Reference { get; init; } = "";

    /// <summary>The contract's line in its place.</summary>
    public string Contract { get; init; } = "";
}

/// <summary>The list, and how answers are lifted.</summary>
internal static class KnownDifferences
{
    public static readonly KnownDifference KeysOnlyHasNoLease = new(
        "a keys-only answer has no lease", "server/storage/mvcc/kvstore_txn.go: rangeKeys, FastKeysOnly");

    public static readonly KnownDifference SortOrderIsChecked = new(
        "an undefined sort order is refused", "server/etcdserver/api/v3rpc/key.go: checkRangeRequest");

    public static readonly KnownDifference NegativeWatchIsRefused = new(
        "a watch from a negative revision is refused", "server/etcdserver/api/v3rpc/watch.go: recvLoop");

    public static readonly KnownDifference NoProgressBeforeStart = new(
        "no progress before a watch's first revision", "server/storage/mvcc/watchable_store.go: progressIfSync")
    {
        Reference = "progress was told 1 times",
        Contract = "progress was told 0 times",
    };

    public static readonly KnownDifference TxnIsCheckedInOrder = new(
        "a transaction's operations are checked one after the other", "server/etcdserver/txn/txn.go: checkTxn")
    {
        Reference = "error NotFound: etcdserver: requested lease not found",
        Contract = "error OutOfRange: etcdserver: mvcc: required revision is a future revision",
    };

    public static readonly KnownDifference TxnPutIsCheckedForItsLeaseFirst = new(
        "a put in a transaction is checked for its lease before its key", "server/etcdserver/txn/put.go: checkPut")
    {
        Reference = "error InvalidArgument: etcdserver: key not found",
        Contract = "error NotFound: etcdserver: requested lease not found",
    };

    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        KeysOnlyHasNoLease, SortOrderIsChecked, NegativeWatchIsRefused, NoProgressBeforeStart, TxnIsCheckedInOrder, TxnPutIsCheckedForItsLeaseFirst,
    ];

    /// <summary>What 3.7.1 answers where 3.5.16 gave this.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reply">3.5.16's answer.</param>
    /// <param name="occurred">Receives the names of differences that were there.</param>
    public static Reply Lift(IMessage request, Reply reply, HashSet<string> occurred)
    {
        switch (request, reply.Response)
        {
            case (RangeRequest range, RangeResponse) when !Enum.IsDefined(range.SortOrder):
                occurred.Add(SortOrderIsChecked.Name);
                return Reply.Failed(StatusCode.InvalidArgument, "etcdserver: invalid sort option");
            case (RangeRequest range, RangeResponse response):
                LiftRange(range, response, occurred);
                return reply;
            case (TxnRequest txn, TxnResponse response):
                LiftTxn(txn, response, occurred);
                return reply;
            default:
                return reply;
        }
    }

    /// <summary>As <see cref="Lift(IMessage, Reply, HashSet{string})"/>, for the answer to a create request.</summary>
    public static WatchResponse Lift(WatchCreateRequest request, WatchResponse created, HashSet<string> occurred)
    {
        if (request.StartRevision >= 0)
        {
            return created;
        }

        occurred.Add(NegativeWatchIsRefused.Name);
        return new WatchResponse
        {
            Header = created.Header,
            WatchId = -1,
            Created = true,
            Canceled = true,
            CancelReason = "etcdserver: mvcc: required revision has been compacted",
        };
    }

    /// <summary>A line of the reference where a difference is one of text.</summary>
    public static string Lift(KnownDifference difference, string line, HashSet<string> occurred)
    {
        if (line != difference.Reference)
        {
            return line;
        }

        occurred.Add(difference.Name);
        return difference.Contract;
    }

    private static void LiftTxn(TxnRequest request, TxnResponse response, HashSet<string> occurred)
    {
        foreach ((RequestOp op, ResponseOp answer) in (response.Succeeded ? request.Success : request.Failure).Zip(response.Responses))
        {
            if (op.RequestRange is { } range)
            {
                LiftRange(range, answer.ResponseRange, occurred);
            }
            else if (op.RequestTxn is { } txn)
            {
                LiftTxn(txn, answer.ResponseTxn, occurred);
            }
        }
    }

    private static void LiftRange(RangeRequest request, RangeResponse response, HashSet<string> occurred)
    {
        if (!request.KeysOnly || request.SortTarget == RangeRequest.Types.SortTarget.Value)
        {
            return;
        }

        foreach (Protocol.Mvccpb.KeyValue kv in response.Kvs.Where(kv => kv.Lease != 0))
        {
            occurred.Add(KeysOnlyHasNoLease.Name);
            kv.Lease = 0;
        }
    }
}
