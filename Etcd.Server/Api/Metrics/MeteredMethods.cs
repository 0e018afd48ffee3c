using System.Reflection;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Server.Api.Metrics;

/// <summary>A generated service whose messages are counted; what is mapped in the service's place.</summary>
/// <typeparam name="TService">The service; one object for all calls.</typeparam>
internal sealed class Metered<TService>
    where TService : class;

/// <summary>
/// Binds a generated service so that its messages are counted where their size is known anyway: as they are read and written. Services
/// that are bound by hand count theirs themselves.
/// </summary>
/// <typeparam name="TService">The service.</typeparam>
/// <param name="service">The one that serves all calls.</param>
/// <param name="figures">Where they are counted.</param>
internal sealed class MeteredMethods<TService>(TService service, GrpcFigures figures) : IServiceMethodProvider<Metered<TService>>
    where TService : class
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<Metered<TService>> context)
    {
        (BindServiceMethodAttribute attribute, Type serviceBase) = FindGenerated();
        MethodInfo bind = attribute.BindType.GetMethod(attribute.BindMethodName, [typeof(ServiceBinderBase), serviceBase])
            ?? throw new InvalidOperationException($"{attribute.BindType} has no method {attribute.BindMethodName} for {serviceBase}");
        bind.Invoke(null, [new Binder(context, figures), service]);
    }

    private static (BindServiceMethodAttribute Attribute, Type ServiceBase) FindGenerated()
    {
        for (Type? type = typeof(TService); type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } attribute)
            {
                return (attribute, type);
            }
        }

        throw new InvalidOperationException($"{typeof(TService)} is no generated service");
    }

    private sealed class Binder(ServiceMethodProviderContext<Metered<TService>> context, GrpcFigures figures) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            context.AddUnaryMethod(Counted(method), [], (_, request, call) => handler!(request, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddClientStreamingMethod(Counted(method), [], (_, requests, call) => handler!(requests, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddServerStreamingMethod(Counted(method), [], (_, request, responses, call) => handler!(request, responses, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddDuplexStreamingMethod(Counted(method), [], (_, requests, responses, call) => handler!(requests, responses, call));

        private Method<TRequest, TResponse> Counted<TRequest, TResponse>(Method<TRequest, TResponse> method)
            where TRequest : class
            where TResponse : class
        {
            MethodFigures counted = figures.Of(method);
            Func<DeserializationContext, TRequest> read = method.RequestMarshaller.ContextualDeserializer;
            return new Method<TRequest, TResponse>(
                method.Type,
                method.ServiceName,
                method.Name,
                new Marshaller<TRequest>(method.RequestMarshaller.ContextualSerializer, payload =>
                {
                    figures.ReceivedBytes.Add(payload.PayloadLength);
                    counted.CountReceived();
                    return read(payload);
                }),
                new Marshaller<TResponse>(
                    (message, payload) =>
                    {
                        counted.CountSent();
                        figures.SentBytes.Add(Write((IMessage)message, payload));
                    },
                    method.ResponseMarshaller.ContextualDeserializer));
        }

        /// <summary>What the generated code does, which keeps the size to itself.</summary>
        private static int Write(IMessage message, SerializationContext payload)
        {
            int size = message.CalculateSize();
            payload.SetPayloadLength(size);
            message.WriteTo(payload.GetBufferWriter());
            payload.Complete();
            return size;
        }
    }
}
