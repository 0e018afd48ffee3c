namespace Etcd.Server.Tests;

/// <summary>
/// Tests that read the memory of the whole process: they run one at a time and beside no other test, whose objects they would count.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MeasuresTheProcess
{
    public const string Name = "measures the process";
}
