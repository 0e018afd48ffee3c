using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Etcd.Grpc.Bare;

/// <summary>Answers Range and Put with 300 bytes, at once or from the thread pool.</summary>
internal sealed class BareKv(bool hop)
{
    private static readonly Payload Range = new(RangeResponse());
    private static readonly Task<Payload> Done = Task.FromResult(Range);

    private static long _calls;

    /// <summary>The calls so far; not exact, as counting is not to cost anything.</summary>
    public static long Calls => _calls;

    private Task<Payload> HandleAsync()
    {
        _calls++;
        return hop ? HopAsync() : Done;
    }

    private static async Task<Payload> HopAsync()
    {
        await Task.Yield();
        return Range;
    }

    /// <summary>A RangeResponse with a header and one key-value pair whose value fills it to 300 bytes.</summary>
    private static byte[] RangeResponse()
    {
        byte[] header = [0x0A, 0x04, 0x18, 0x02, 0x20, 0x02];
        byte[] value = [0x2A, 0x96, 0x02, .. new byte[278]];
        byte[] pair = [0x0A, 0x03, (byte)'f', (byte)'o', (byte)'o', .. value];
        return [.. header, 0x12, (byte)(0x80 | (pair.Length & 0x7F)), (byte)(pair.Length >> 7), .. pair, 0x20, 0x01];
    }

    internal sealed class Methods : IServiceMethodProvider<BareKv>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<BareKv> context)
        {
            foreach (var name in (string[])["Range", "Put"])
            {
                context.AddUnaryMethod(
                    new Method<Payload, Payload>(MethodType.Unary, "etcdserverpb.KV", name, Payload.Requests, Payload.Responses),
                    [],
                    (service, _, _) => service.HandleAsync());
            }
        }
    }
}
