using Etcd.TestKit;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: what the READMEs show compiles. Method: each of their code blocks stands in Examples.cs, but for the indentation.</summary>
public sealed class ReadmeTests
{
    // Projects is what Aspire generates in an AppHost.
    [Theory]
    [InlineData("Etcd.Configuration/README.md", 7)]
    [InlineData("Etcd.Configuration.Hosting/README.md", 2)]
    public void Every_code_block_is_an_example_that_compiles(string readme, int least) =>
        ReadmeExamples.AssertCompiled(readme, "tests/Etcd.Configuration.Tests/Examples.cs", least, ignore: "Projects.");
}
