using Etcd.Bench.Compare;
using Etcd.Bench.Failover;

namespace Etcd.Bench.Tests;

/// <summary>Goal: figures of clusters are what was measured, and stay beside each other. Method: small inputs worked out by hand.</summary>
public sealed class ClusterReportTests
{
    [Theory]
    [InlineData(50, 2)]
    [InlineData(95, 4)]
    [InlineData(100, 4)]
    [InlineData(1, 1)]
    public void A_percentile_is_a_value_that_was_measured(double percent, double value) =>
        Assert.Equal(value, FailoverReport.Percentile([4, 1, 3, 2], percent));

    [Fact]
    public void A_section_takes_its_earlier_ones_place_and_leaves_the_others()
    {
        string file = ResultsFile.WithSection("# Title\n", "one", "first\n");
        file = ResultsFile.WithSection(file, "two", "second");
        file = ResultsFile.WithSection(file, "one", "third");

        Assert.Equal(
            "# Title\n\n<!-- one -->\nthird\n\n<!-- end of one -->\n\n<!-- two -->\nsecond\n\n<!-- end of two -->\n", file);
    }

    [Fact]
    public void A_status_says_who_it_is_who_leads_and_how_far_it_is()
    {
        // header { cluster_id 1, member_id 300, revision 5 }, version "3", dbSize 9, leader 300, raftIndex 8
        byte[] message = [0x0A, 7, 0x08, 1, 0x10, 0xAC, 0x02, 0x18, 5, 0x12, 1, (byte)'3', 0x18, 9, 0x20, 0xAC, 0x02, 0x28, 8];

        Assert.Equal(new MemberStatus(300, 300, 5), GrpcCall.ReadStatus(message));
    }

    [Fact]
    public void A_put_of_a_failover_is_field_1_the_key_and_field_2_the_value() =>
        Assert.Equal("\n\b00000042\u0012\u0001v", System.Text.Encoding.ASCII.GetString(FailoverRun.PutRequest(42)));
}
