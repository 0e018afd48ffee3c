namespace Etcd.Server.Watch;

/// <summary>The part of etcdserverpb.ResponseHeader that does not come from the store.</summary>
/// <param name="ClusterId">The cluster's id.</param>
/// <param name="MemberId">This member's id.</param>
/// <param name="RaftTerm">The term when the response is sent.</param>
public readonly record struct WatchHeader(ulong ClusterId, ulong MemberId, ulong RaftTerm);
