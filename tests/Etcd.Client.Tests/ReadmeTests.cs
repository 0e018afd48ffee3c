using Etcd.TestKit;

namespace Etcd.Client.Tests;

/// <summary>Goal: what the READMEs show compiles. Method: each of their code blocks stands in Examples.cs, but for the indentation.</summary>
public sealed class ReadmeTests
{
    [Theory]
    [InlineData("Etcd.Client/README.md", 5)]
    [InlineData("Etcd.Client.Hosting/README.md", 3)]
    [InlineData("README.md", 1)]
    public void Every_code_block_is_an_example_that_compiles(string readme, int least) =>
        ReadmeExamples.AssertCompiled(readme, "tests/Etcd.Client.Tests/Examples.cs", least);
}
