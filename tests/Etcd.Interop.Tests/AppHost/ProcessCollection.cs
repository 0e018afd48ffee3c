namespace Etcd.Interop.Tests.AppHost;

/// <summary>Tests that start processes run one after another: two cores and their timeouts are shared.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessCollection
{
    public const string Name = "AppHost processes";
}
