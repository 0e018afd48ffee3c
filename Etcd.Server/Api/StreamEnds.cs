using Etcd.Protocol.Errors;
using Etcd.Server.Node;
using Grpc.Core;

namespace Etcd.Server.Api;

/// <summary>Why streams end that their client did not end.</summary>
internal static class StreamEnds
{
    /// <summary>Cancelled when the member has been without a leader for too long, if the client asks for one; else never.</summary>
    /// <param name="context">The call.</param>
    /// <param name="status">The member.</param>
    public static CancellationToken LeaderLost(this ServerCallContext context, IMemberStatus status) =>
        context.RequestHeaders.GetValue(CallAdmission.RequireLeader) == "true" ? status.LeaderLost : CancellationToken.None;

    /// <summary>The error of a stream that was cancelled.</summary>
    /// <param name="api">The node.</param>
    /// <param name="otherwise">The error if its client went away.</param>
    /// <param name="leaderLost">What <see cref="LeaderLost"/> gave.</param>
    public static EtcdError WhyEnded(this ApiContext api, EtcdError otherwise, CancellationToken leaderLost)
    {
        ArgumentNullException.ThrowIfNull(api);
        return api.Stopping.IsCancellationRequested ? EtcdErrors.Stopped
            : leaderLost.IsCancellationRequested ? EtcdErrors.NoLeader
            : otherwise;
    }
}
