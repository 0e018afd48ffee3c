using System.Text;
using System.Text.Json;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Membership;

namespace Etcd.Server.Tests.Membership;

/// <summary>Which texts are versions, which steps there are, and what the leader makes of them; the tables are etcd's.</summary>
public sealed class DowngradeRulesTests
{
    [Theory]
    [InlineData("3.6", 3, 6)]
    [InlineData("3.6.0", 3, 6)]
    [InlineData("3.6.99", 3, 6)]
    [InlineData("03.06.00", 3, 6)]
    [InlineData("3.6.0-rc.1+build.5", 3, 6)]
    [InlineData("3.6.0-", 3, 6)]
    [InlineData("99999999999.6", int.MaxValue, 6)]
    public void AVersionIsMajorAndMinor(string text, int major, int minor) =>
        Assert.Equal(new Version(major, minor), DowngradeRules.ParseTarget(text));

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("3.")]
    [InlineData(".6")]
    [InlineData("v3.6")]
    [InlineData("3.6.0.0")]
    [InlineData("3.-6")]
    [InlineData("-3.6")]
    [InlineData(" 3.6")]
    [InlineData("3.6\n")]
    [InlineData("3.x")]
    [InlineData("3.6.0-a_b")]
    [InlineData("99999999999999999999.6")]
    public void AnythingElseIsNone(string text) => Assert.Null(DowngradeRules.ParseTarget(text));

    [Theory]
    [InlineData("3.7", "3.6", true)]
    [InlineData("3.7", "3.5", false)]
    [InlineData("3.7", "3.7", false)]
    [InlineData("3.7", "3.8", false)]
    [InlineData("3.7", "2.6", false)]
    [InlineData("4.0", "3.9", false)]
    public void AStepIsOneMinorVersion(string from, string to, bool expected) =>
        Assert.Equal(expected, DowngradeRules.IsValid(Version.Parse(from), Version.Parse(to)));

    [Theory]
    [InlineData("3.7.0", "3.7", "3.6", "3.6.0")]
    [InlineData("3.6.0", "3.6", "3.5", "3.5.0")]
    [InlineData("3.5.0", "3.5", "3.4", null)]
    [InlineData("3.6.0", "3.7", "3.6", null)]
    [InlineData("3.6.0", "3.6", "3.6", null)]
    [InlineData("3.7.0", null, "3.6", null)]
    [InlineData("3.7.0", "3.8", "3.6", null)]
    [InlineData("3.7.0", "3.6", "3.6", null)]
    [InlineData("3.8.0", "3.8", "3.6", null)]
    [InlineData(null, "3.7", "3.6", "3.7.0")]
    public void TheLeaderLowersTheVersionWhenAllMembersAreOneAboveIt(string? agreed, string? lowest, string target, string? expected) =>
        Assert.Equal(expected, VersionMonitor.Decide(agreed, lowest is null ? null : Version.Parse(lowest), Version.Parse(target)));

    [Theory]
    [InlineData("3.6.0", """{"target-version":"3.6.0","enabled":true}""")]
    [InlineData("", """{"target-version":"","enabled":false}""")]
    public void ADowngradeIsEtcdsJson(string target, string json)
    {
        var downgrade = new Downgrade(target);
        Assert.Equal(json, Encoding.UTF8.GetString(downgrade.ToJson()));
        Assert.Equal(downgrade, Downgrade.FromJson(downgrade.ToJson()));
        Assert.Equal(target.Length > 0, downgrade.IsEnabled);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"enabled":false,"target-version":"3.6.0"}""")]
    public void OneThatIsNotEnabledLeadsNowhere(string json) => Assert.Equal(Downgrade.None, Downgrade.FromJson(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"enabled":true}""")]
    [InlineData("""{"enabled":true,"target-version":"x"}""")]
    [InlineData("""{"enabled":true,"target-version":3}""")]
    public void OneThatLeadsNowhereThoughEnabledIsDamage(string json) =>
        Assert.ThrowsAny<JsonException>(() => Downgrade.FromJson(Encoding.UTF8.GetBytes(json)));
}
