using Etcd.Client.Tests.Suites;
using Etcd.Interop.Tests.GrpcClient;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client;

/// <summary>Goal: the client does with the real etcd what it does with this project's server.</summary>
public sealed class RealKvTests(RealMember etcd) : KvSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealWatchTests(RealMember etcd) : WatchSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealLeaseTests(RealMember etcd) : LeaseSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealLockTests(RealMember etcd) : LockSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealElectionTests(RealMember etcd) : ElectionSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealRecipeTests(RealMember etcd) : RecipeSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealStmTests(RealMember etcd) : StmSuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

public sealed class RealCopyTests(RealMember etcd) : CopySuite, IClassFixture<RealMember>
{
    protected override string Url => Real.UrlOf(etcd);
}

internal static class Real
{
    public static string UrlOf(RealMember etcd)
    {
        RealEtcd.Require();
        return etcd.Address;
    }
}
