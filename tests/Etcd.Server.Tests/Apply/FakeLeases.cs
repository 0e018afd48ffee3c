using System.Text;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Apply;

/// <summary>Records what the lease room is told, in order.</summary>
internal sealed class FakeLeases(params long[] existing) : ILeaseAttachments
{
    public HashSet<long> Existing { get; } = [.. existing];

    public List<string> Calls { get; } = [];

    public bool Exists(LeaseId lease) => Existing.Contains(lease.Value);

    public void Attach(LeaseId lease, ReadOnlyMemory<byte> key) => Calls.Add($"attach {lease.Value} {Encoding.ASCII.GetString(key.Span)}");

    public void Detach(LeaseId lease, ReadOnlyMemory<byte> key) => Calls.Add($"detach {lease.Value} {Encoding.ASCII.GetString(key.Span)}");
}
