using AppHost.Samples;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>How samples are shown.</summary>
public sealed class SampleTableTests
{
    [Fact]
    public void Samples_are_a_table_of_their_own() => Assert.Equal(
        [
            "",
            "SAMPLE    URL                     STATE",
            "settings  http://localhost:40001  running",
            "worker-0  -                       stopped",
        ],
        SampleTable.Format([new("settings", "http://localhost:40001", "running"), new("worker-0", "-", "stopped")]));

    [Fact]
    public void Without_samples_there_is_no_table() => Assert.Empty(SampleTable.Format([]));
}
