using System.Reflection;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Model;

/// <summary>
/// Finds the methods of a generated service: its base class names, by <see cref="BindServiceMethodAttribute"/>, the static
/// method that binds it. Reflection at start-up only; calls go through delegates.
/// </summary>
internal sealed class BoundMethodProvider<TService> : IServiceMethodProvider<TService>
    where TService : class
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context)
    {
        var (attribute, serviceBase) = FindAttribute();
        if (attribute is null || serviceBase is null)
        {
            return;
        }

        var bind = attribute.BindType.GetMethod(
            attribute.BindMethodName, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(ServiceBinderBase), serviceBase])
            ?? throw new InvalidOperationException($"{attribute.BindType} has no method {attribute.BindMethodName} that binds {serviceBase}.");

        // Without an instance the generated method hands out the descriptions alone.
        bind.Invoke(null, [new BoundMethodBinder<TService>(context, serviceBase), null]);
    }

    private static (BindServiceMethodAttribute? Attribute, Type? ServiceBase) FindAttribute()
    {
        for (var type = typeof(TService); type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } attribute)
            {
                return (attribute, type);
            }
        }

        return default;
    }
}
