using Etcd.Protocol.Errors;

namespace Etcd.Server.Apply;

/// <summary>
/// What one committed command led to. The same command at the same place in the log gives the same outcome on every
/// member (but for <see cref="BeyondQuota"/>), but only the member that took the request turns it into an answer.
/// </summary>
public sealed class ApplyOutcome
{
    /// <summary>A command that succeeded and has nothing to say but the revision.</summary>
    /// <param name="revision">The store's revision for the answer's header.</param>
    public ApplyOutcome(long revision) => Revision = revision;

    /// <summary>A command that succeeded.</summary>
    /// <param name="revision">The store's revision for the answer's header.</param>
    /// <param name="body">The encoded answer without its header.</param>
    public ApplyOutcome(long revision, ReadOnlyMemory<byte> body)
    {
        Revision = revision;
        Body = body;
    }

    /// <summary>A command that was refused and changed nothing but the applied index.</summary>
    /// <param name="error">Why.</param>
    /// <param name="revision">The store's revision.</param>
    public ApplyOutcome(EtcdError error, long revision)
    {
        Error = error;
        Revision = revision;
    }

    /// <summary>
    /// A command that was applied, while this member has no room left for it: its client is told so, and the member is to raise
    /// its alarm. Which commands that happens to may differ from member to member; what is applied does not.
    /// </summary>
    /// <param name="revision">The store's revision.</param>
    public static ApplyOutcome BeyondQuota(long revision) => new(EtcdErrors.NoSpace, revision) { IsBeyondQuota = true };

    /// <summary>See <see cref="BeyondQuota"/>.</summary>
    public bool IsBeyondQuota { get; private init; }

    /// <summary>The revision for the answer's header.</summary>
    public long Revision { get; }

    /// <summary>
    /// The encoded fields of the answer message except its header (field 1), in protobuf's wire format. The Api writes the
    /// header before them, so that an answer is encoded once.
    /// </summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Why the command was refused; null if it was not.</summary>
    public EtcdError? Error { get; }
}
