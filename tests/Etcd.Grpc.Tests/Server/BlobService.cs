using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Grpc.Tests.Server;

/// <summary>A hand-bound service whose methods are given by each test.</summary>
public sealed class BlobService
{
    public Func<Blob, ServerCallContext, Task<Blob>> Unary { get; set; } = (request, _) => Task.FromResult(request);

    public Func<Blob, IServerStreamWriter<Blob>, ServerCallContext, Task> ServerStream { get; set; } = (_, _, _) => Task.CompletedTask;

    public Func<IAsyncStreamReader<Blob>, ServerCallContext, Task<Blob>> ClientStream { get; set; } = (_, _) => Task.FromResult(new Blob([]));

    public Func<IAsyncStreamReader<Blob>, IServerStreamWriter<Blob>, ServerCallContext, Task> Duplex { get; set; } = (_, _, _) => Task.CompletedTask;

    public sealed class Methods : IServiceMethodProvider<BlobService>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<BlobService> context)
        {
            AddUnary(context, "Unary", Blob.Marshaller);
            AddUnary(context, "Unsized", Blob.UnsizedMarshaller);
            AddUnary(context, "Array", Blob.ArrayMarshaller);
            AddUnary(context, "Torn", Blob.TornMarshaller);
            context.AddServerStreamingMethod(
                Describe(MethodType.ServerStreaming, "ServerStream", Blob.Marshaller), [], (service, request, stream, call) => service.ServerStream(request, stream, call));
            context.AddClientStreamingMethod(
                Describe(MethodType.ClientStreaming, "ClientStream", Blob.Marshaller), [], (service, stream, call) => service.ClientStream(stream, call));
            context.AddDuplexStreamingMethod(
                Describe(MethodType.DuplexStreaming, "Duplex", Blob.Marshaller), [], (service, input, output, call) => service.Duplex(input, output, call));
        }

        private static void AddUnary(ServiceMethodProviderContext<BlobService> context, string name, Marshaller<Blob> marshaller) =>
            context.AddUnaryMethod(Describe(MethodType.Unary, name, marshaller), [], (service, request, call) => service.Unary(request, call));

        private static Method<Blob, Blob> Describe(MethodType type, string name, Marshaller<Blob> marshaller) =>
            new(type, "test.Blobs", name, marshaller, marshaller);
    }
}
