using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.V3Electionpb;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Etcd.Protocol.Tests;

/// <summary>
/// Names and numbers are what makes a client of etcd work. The golden lists hold those of v3.7.1; a difference is
/// a break of the protocol.
/// </summary>
public sealed class DescriptorTests
{
    [Fact]
    public void Messages_and_enums_are_those_of_etcd() =>
        Golden.Check("messages.txt", ProtocolFiles.All.Select(FileLine)
            .Concat(ProtocolFiles.Messages().SelectMany(MessageLines))
            .Concat(ProtocolFiles.Enums().SelectMany(EnumLines))
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Services_are_those_of_etcd() =>
        Golden.Check("services.txt", ProtocolFiles.Services()
            .SelectMany(service => service.Methods)
            .Select(MethodLine)
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Every_method_is_bound_by_the_generated_service_bases()
    {
        var binder = new NamesBinder();
        KV.BindService(binder, new KvBase());
        Watch.BindService(binder, new WatchBase());
        Lease.BindService(binder, new LeaseBase());
        Cluster.BindService(binder, new ClusterBase());
        Maintenance.BindService(binder, new MaintenanceBase());
        Auth.BindService(binder, new AuthBase());
        V3Lockpb.Lock.BindService(binder, new LockBase());
        Election.BindService(binder, new ElectionBase());
        Health.Health.BindService(binder, new HealthBase());

        Assert.Equal(
            ProtocolFiles.Services().SelectMany(service => service.Methods).Select(MethodLine).Order(StringComparer.Ordinal),
            binder.Methods.Order(StringComparer.Ordinal));
    }

    private static string FileLine(FileDescriptor file) =>
        $"file {file.Name}: {file.Package} {file.ToProto().Syntax switch { "" => "proto2", var syntax => syntax }}";

    private static IEnumerable<string> MessageLines(MessageDescriptor message) =>
        message.Fields.InDeclarationOrder().Select(field =>
                $"{message.FullName}.{field.Name}={field.FieldNumber}:{TypeName(field)}:{Label(field)}")
            .Prepend($"message {message.FullName}");

    private static IEnumerable<string> EnumLines(EnumDescriptor type) =>
        type.Values.Select(value => $"enum {type.FullName}.{value.Name}={value.Number}");

    private static string TypeName(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message when field.IsMap => "map",
        FieldType.Message => field.MessageType.FullName,
        FieldType.Enum => field.EnumType.FullName,
        var type => type.ToString().ToLowerInvariant(),
    };

    private static string Label(FieldDescriptor field) => field switch
    {
        // A descriptor of proto3 calls every list packed; only numbers can be.
        {
            IsRepeated: true, IsPacked: true,
            FieldType: not (FieldType.Message or FieldType.String or FieldType.Bytes)
        } => "repeated packed",
        { IsRepeated: true } => "repeated",
        { RealContainingOneof: { } oneof } => $"oneof {oneof.Name}",
        _ => "optional",
    };

    private static string MethodLine(MethodDescriptor method) => MethodLine(
        $"/{method.Service.FullName}/{method.Name}",
        (method.IsClientStreaming, method.IsServerStreaming) switch
        {
            (false, false) => MethodType.Unary,
            (false, true) => MethodType.ServerStreaming,
            (true, false) => MethodType.ClientStreaming,
            (true, true) => MethodType.DuplexStreaming,
        },
        method.InputType.ClrType,
        method.OutputType.ClrType);

    private static string MethodLine(string fullName, MethodType type, Type request, Type response) =>
        $"{fullName} {type} {request.Name} {response.Name}";

    private sealed class NamesBinder : ServiceBinderBase
    {
        public List<string> Methods { get; } = [];

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) => Add(method);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) => Add(method);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) => Add(method);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) => Add(method);

        private void Add<TRequest, TResponse>(Method<TRequest, TResponse> method)
            where TRequest : class
            where TResponse : class =>
            Methods.Add(MethodLine(method.FullName, method.Type, typeof(TRequest), typeof(TResponse)));
    }

    private sealed class KvBase : KV.KVBase;

    private sealed class WatchBase : Watch.WatchBase;

    private sealed class LeaseBase : Lease.LeaseBase;

    private sealed class ClusterBase : Cluster.ClusterBase;

    private sealed class MaintenanceBase : Maintenance.MaintenanceBase;

    private sealed class AuthBase : Auth.AuthBase;

    private sealed class LockBase : V3Lockpb.Lock.LockBase;

    private sealed class ElectionBase : Election.ElectionBase;

    private sealed class HealthBase : Health.Health.HealthBase;
}
