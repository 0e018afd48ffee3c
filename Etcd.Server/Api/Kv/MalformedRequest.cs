using Etcd.Protocol.Wire;
using Grpc.Core;

namespace Etcd.Server.Api.Kv;

/// <summary>The status of a call whose request is no protobuf message; code and wording are those of a grpc-go server.</summary>
internal static class MalformedRequest
{
    /// <summary>The exception that ends the call.</summary>
    /// <param name="malformed">What is wrong with the bytes.</param>
    public static RpcException Error(ProtoFormatException malformed) =>
        new(new Status(StatusCode.Internal, $"grpc: error unmarshalling request: {malformed.Message}"));
}
