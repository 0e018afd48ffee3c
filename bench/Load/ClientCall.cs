using Etcd.Bench.Http2;

namespace Etcd.Bench.Load;

/// <summary>A client of the load: a call slot that stays on one connection.</summary>
internal sealed class ClientCall(LoadConnection connection) : Call
{
    public LoadConnection Connection { get; } = connection;
}
