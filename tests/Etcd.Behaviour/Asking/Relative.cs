using System.Collections;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// Revisions counted from where a session began, so that the answers of servers with different pasts can be compared. In
/// messages such a revision is a number around <see cref="Origin"/>; it is turned into the server's own on the way out and back
/// on the way in. Revisions before the session's begin stay as they are.
/// </summary>
internal static class Relative
{
    /// <summary>Revision 0 of a session. No server in a test gets that far.</summary>
    public const long Origin = 1_000_000_000_000;

    private const long Reach = 1_000_000;

    /// <summary>The revision so many after the begin of the session.</summary>
    public static long At(long offset) => Origin + offset;

    /// <summary>Whether it is a revision of a session.</summary>
    public static bool IsOne(long revision) => revision is > Origin - Reach and < Origin + Reach;

    /// <summary>Puts the server's revisions in the place of the session's.</summary>
    public static void ToServer(IMessage message, long begin) =>
        Walk(message, revision => IsOne(revision) ? revision - Origin + begin : revision);

    /// <summary>Puts the session's revisions in the place of the server's, and leaves out who answered.</summary>
    public static void FromServer(IMessage message, long begin) =>
        Walk(message, revision => revision >= begin ? revision - begin + Origin : revision);

    private static void Walk(IMessage message, Func<long, long> translate)
    {
        if (message is ResponseHeader header)
        {
            (header.ClusterId, header.MemberId, header.RaftTerm) = (0, 0, 0);
        }

        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.FieldType == FieldType.Message)
            {
                WalkInto(field.Accessor.GetValue(message), translate);
            }
            else if (field.FieldType == FieldType.Int64 && field.Name.EndsWith("revision", StringComparison.Ordinal))
            {
                long revision = (long)field.Accessor.GetValue(message);
                long translated = translate(revision);
                // Only if it differs: to set a field of a union chooses it.
                if (revision != translated && revision != 0)
                {
                    field.Accessor.SetValue(message, translated);
                }
            }
        }
    }

    private static void WalkInto(object? value, Func<long, long> translate)
    {
        if (value is IMessage inner)
        {
            Walk(inner, translate);
        }
        else if (value is IList many)
        {
            foreach (IMessage one in many)
            {
                Walk(one, translate);
            }
        }
    }
}
