using Etcd.Configuration.Tests.Suites;
using Etcd.TestKit.Members;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: a store that has gone back is noticed. Method: a member with data of its own takes the place of the one that was watched.</summary>
public sealed class WipedStoreTests : ConfigurationSuite
{
    private string _url = "";

    protected override string Url => _url;

    [Fact]
    public async Task Settings_follow_a_store_whose_data_was_replaced()
    {
        InProcessMember before = Keep(await InProcessMember.StartAsync());
        _url = before.Url;
        for (int i = 0; i < 10; i++)
        {
            await PutAsync("Color", $"blue {i}");
        }

        var log = new LogLines();
        IConfigurationRoot root = Follow(source =>
        {
            source.LoggerFactory = log;
            source.StaleAfter = TimeSpan.FromSeconds(1);
            source.OnWatchException = _ => TimeSpan.FromMilliseconds(20);
        });
        long revision = ProviderOf(root).Status.Revision;
        await before.StopAsync();

        Keep(await InProcessMember.StartAsync(_url));
        await PutAsync("Color", "red");

        await UntilAsync(() => root["Color"] == "red");
        Assert.True(ProviderOf(root).Status.Revision < revision);
        Assert.Contains(log.All, line => line.Contains("etcd has gone back", StringComparison.Ordinal));
    }
}
