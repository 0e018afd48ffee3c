using Etcd.Configuration.Tests.Suites;
using Etcd.Testing;

namespace Etcd.Configuration.Tests;

/// <summary>A server for a class of tests.</summary>
public sealed class OurEtcd : IAsyncLifetime
{
    private EtcdTestServer? _server;

    public string Url => _server!.ConnectionString;

    public async ValueTask InitializeAsync() => _server = await EtcdTestServer.StartAsync();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();
}

public sealed class MappingTests(OurEtcd etcd) : MappingSuite, IClassFixture<OurEtcd>
{
    protected override string Url => etcd.Url;
}

public sealed class ReloadTests(OurEtcd etcd) : ReloadSuite, IClassFixture<OurEtcd>
{
    protected override string Url => etcd.Url;
}

public sealed class FaultTests(OurEtcd etcd) : FaultSuite, IClassFixture<OurEtcd>
{
    protected override string Url => etcd.Url;
}
