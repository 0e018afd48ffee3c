using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Apply;

/// <summary>A store that takes as much as a test says.</summary>
internal sealed class FakeStoreSize : IStoreSize
{
    public long SizeBytes { get; set; }

    public long SizeInUseBytes => SizeBytes;
}
