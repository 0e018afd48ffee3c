using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Auth;
using Grpc.Core;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// Who may watch: whoever may read all the keys that are watched, when the watch is asked for. As in etcd a watch that runs goes on
/// when its user's rights end; only its call ends it.
/// </summary>
internal static class WatchPermission
{
    // An empty key stands for the smallest one.
    private static readonly byte[] SmallestKey = [0];

    /// <summary>Why a request is refused; null if it is not, or creates no watch.</summary>
    /// <param name="auth">Who asks.</param>
    /// <param name="request">The request.</param>
    /// <param name="call">The call.</param>
    public static async ValueTask<EtcdError?> RefuseAsync(CallerAuth auth, WatchRequest request, ServerCallContext call)
    {
        // A negative revision is refused first, by the watch room.
        if (request.RequestUnionCase != WatchRequest.RequestUnionOneofCase.CreateRequest || request.CreateRequest.StartRevision < 0)
        {
            return null;
        }

        try
        {
            AuthInfo who = await auth.IdentifyOrNobodyAsync(call).ConfigureAwait(false);
            WatchCreateRequest create = request.CreateRequest;
            return auth.Current.CheckKeys(who, KeyAccess.Read, create.Key.IsEmpty ? SmallestKey : create.Key.Span, create.RangeEnd.Span);
        }
        catch (EtcdErrorException e)
        {
            return e.Error;
        }
    }
}
