using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;

namespace Etcd.Client.Tests;

/// <summary>A member of this project for a class of tests.</summary>
public sealed class OurMember : IAsyncLifetime
{
    private InProcessMember? _member;

    public string Url => _member!.Url;

    public async ValueTask InitializeAsync() => _member = await InProcessMember.StartAsync();

    public ValueTask DisposeAsync() => _member!.DisposeAsync();
}

public sealed class KvTests(OurMember member) : KvSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class WatchTests(OurMember member) : WatchSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class LeaseTests(OurMember member) : LeaseSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class LockTests(OurMember member) : LockSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class ElectionTests(OurMember member) : ElectionSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class RecipeTests(OurMember member) : RecipeSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class StmTests(OurMember member) : StmSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class CopyTests(OurMember member) : CopySuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class MaintenanceTests(OurMember member) : MaintenanceSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class CacheWatchTests(OurMember member) : CacheWatchSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class NamingTests(OurMember member) : NamingSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}

public sealed class OptimisticTests(OurMember member) : OptimisticSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;
}
