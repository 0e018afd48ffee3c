using Etcd.Configuration.Tests.Suites;
using Etcd.Interop.Tests.Client;
using Etcd.Interop.Tests.GrpcClient;

namespace Etcd.Interop.Tests.Configuration;

/// <summary>Goal: the configuration provider does with the real etcd what it does with this project's server.</summary>
public sealed class RealReloadTests(RealMember etcd) : ReloadSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealFaultTests(RealMember etcd) : FaultSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}
