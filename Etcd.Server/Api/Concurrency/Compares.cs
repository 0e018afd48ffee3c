using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;

namespace Etcd.Server.Api.Concurrency;

/// <summary>Conditions of transactions.</summary>
internal static class Compares
{
    /// <summary>A key was created at a revision.</summary>
    /// <param name="key">The key.</param>
    /// <param name="revision">The revision; zero: there is no such key.</param>
    public static Compare CreatedAt(ByteString key, long revision) => new()
    {
        Key = key,
        Target = Compare.Types.CompareTarget.Create,
        Result = Compare.Types.CompareResult.Equal,
        CreateRevision = revision,
    };
}
