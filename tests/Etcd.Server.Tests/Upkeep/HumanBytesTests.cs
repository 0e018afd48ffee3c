using Etcd.Server.Hosting.Upkeep;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>Sizes look as in etcd's log.</summary>
public sealed class HumanBytesTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(9, "9 B")]
    [InlineData(10, "10 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(16 * 1024 * 1024, "17 MB")]
    [InlineData(2L * 1024 * 1024 * 1024, "2.1 GB")]
    [InlineData(8L * 1024 * 1024 * 1024, "8.6 GB")]
    [InlineData(long.MaxValue, "9.2 EB")]
    public void ASizeIsReadable(long bytes, string text) => Assert.Equal(text, HumanBytes.Of(bytes));
}
