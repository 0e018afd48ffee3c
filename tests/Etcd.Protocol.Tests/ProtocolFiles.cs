using Etcd.Protocol.Authpb;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Health;
using Etcd.Protocol.Leasepb;
using Etcd.Protocol.Membershippb;
using Etcd.Protocol.Mvccpb;
using Etcd.Protocol.Raftpb;
using Etcd.Protocol.Snappb;
using Etcd.Protocol.V3Electionpb;
using Etcd.Protocol.V3Lockpb;
using Etcd.Protocol.Walpb;
using Google.Protobuf.Reflection;

namespace Etcd.Protocol.Tests;

/// <summary>All protocol files, and what is in them.</summary>
internal static class ProtocolFiles
{
    public static readonly FileDescriptor[] All =
    [
        AuthReflection.Descriptor, EtcdserverReflection.Descriptor, RaftInternalReflection.Descriptor,
        RpcReflection.Descriptor, HealthReflection.Descriptor, LeaseReflection.Descriptor,
        MembershipReflection.Descriptor, KvReflection.Descriptor, RaftReflection.Descriptor,
        SnapReflection.Descriptor, V3ElectionReflection.Descriptor, V3LockReflection.Descriptor,
        RecordReflection.Descriptor,
    ];

    /// <summary>Every message but those that stand for map entries, nested ones after their parent.</summary>
    public static IEnumerable<MessageDescriptor> Messages() => All.SelectMany(file => file.MessageTypes).SelectMany(WithNested);

    public static IEnumerable<EnumDescriptor> Enums() =>
        All.SelectMany(file => file.EnumTypes).Concat(Messages().SelectMany(message => message.EnumTypes));

    public static IEnumerable<ServiceDescriptor> Services() => All.SelectMany(file => file.Services);

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) =>
        message.NestedTypes.Where(nested => nested.ClrType is not null).SelectMany(WithNested).Prepend(message);
}
