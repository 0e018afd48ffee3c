using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>What the apply loop tells the owner of raft besides the applied index; in the log's order.</summary>
/// <param name="Index">Where.</param>
/// <param name="Change">The change of the membership; null if a snapshot was installed.</param>
/// <param name="Answer">Who waits for the change: answered when raft knows of it, or the next change could be refused (etcd issue 15528).</param>
internal readonly record struct ApplyNews(LogIndex Index, ConfChange? Change, Proposal? Answer);
