namespace Etcd.Server.Hosting.Members;

/// <summary>A member without data cannot begin as its flags say; the message says why, for the operator.</summary>
/// <param name="message">Why, in etcd's words where it has some.</param>
/// <param name="inner">The cause, if any.</param>
internal sealed class ClusterStartException(string message, Exception? inner = null) : Exception(message, inner);
