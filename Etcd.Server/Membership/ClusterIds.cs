using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Etcd.Server.Primitives;

namespace Etcd.Server.Membership;

/// <summary>
/// Ids as etcd computes them, so that a folder or a cluster can change hands: the first 8 bytes, big-endian, of a SHA-1
/// over what is known before anyone has talked to anyone.
/// </summary>
public static class ClusterIds
{
    /// <summary>
    /// A member's id: SHA-1 of its sorted peer URLs and the cluster token, and of the time in seconds for one that is added
    /// later (so that a URL can be used again).
    /// </summary>
    /// <param name="peerUrls">Its peer URLs.</param>
    /// <param name="clusterToken">--initial-cluster-token, or what the adding member uses.</param>
    /// <param name="addedAt">When it was added; null for the initial members.</param>
    public static MemberId ForMember(IEnumerable<string> peerUrls, string clusterToken, DateTimeOffset? addedAt = null)
    {
        string text = string.Concat(peerUrls.Order(StringComparer.Ordinal)) + clusterToken
            + addedAt?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new MemberId(First8(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>A cluster's id: SHA-1 of its initial members' ids, ascending, each as 8 bytes big-endian.</summary>
    /// <param name="initialMembers">The initial members' ids.</param>
    public static ulong ForCluster(IEnumerable<MemberId> initialMembers)
    {
        ulong[] ids = [.. initialMembers.Select(id => id.Value).Order()];
        var bytes = new byte[ids.Length * 8];
        for (int i = 0; i < ids.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * 8), ids[i]);
        }

        return First8(bytes);
    }

    // The format is fixed by etcd; nothing here rests on SHA-1 being hard to break.
#pragma warning disable CA5350
    private static ulong First8(byte[] bytes) => BinaryPrimitives.ReadUInt64BigEndian(SHA1.HashData(bytes));
#pragma warning restore CA5350
}
