using System.Collections.Frozen;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.GoogleApi;
using Etcd.Protocol.V3Electionpb;
using Etcd.Protocol.V3Lockpb;
using Google.Protobuf.Reflection;

namespace Etcd.Server.Api.Gateway;

/// <summary>Which path stands for which method: what the .proto files say with <c>google.api.http</c>.</summary>
internal static class GatewayRoutes
{
    private static readonly FrozenDictionary<string, MethodDescriptor> Methods = Read();

    /// <summary>Every path.</summary>
    public static IEnumerable<string> Paths => Methods.Keys;

    /// <summary>The method of a path; null if there is none.</summary>
    /// <param name="path">The path.</param>
    public static MethodDescriptor? Find(string path) => Methods.GetValueOrDefault(path);

    private static FrozenDictionary<string, MethodDescriptor> Read()
    {
        var found = new Dictionary<string, MethodDescriptor>(StringComparer.Ordinal);
        FileDescriptor[] files = [RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor];
        foreach (MethodDescriptor method in files.SelectMany(f => f.Services).SelectMany(s => s.Methods))
        {
            if (method.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is { } rule)
            {
                found.Add(rule.Post, method);
                foreach (HttpRule other in rule.AdditionalBindings)
                {
                    found.Add(other.Post, method);
                }
            }
        }

        return found.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
