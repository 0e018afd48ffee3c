using Etcd.Client;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: a source that makes no sense says so when it is added, and what is null or empty is refused.</summary>
public sealed class SourceTests
{
    [Fact]
    public void A_source_needs_a_place_and_keys()
    {
        Refused("Set one of ConnectionString", source => source.AddPrefix("a/"));
        Refused("Set one of ConnectionString", source =>
        {
            source.AddPrefix("a/");
            source.ConnectionString = "http://a:2379";
            source.ClientOptions = new EtcdClientOptions();
        });
        Refused("which keys", source => source.ConnectionString = "http://a:2379");
        Refused("KeyDelimiter", source => Complete(source).KeyDelimiter = "");
        Refused("LoadTimeout", source => Complete(source).LoadTimeout = TimeSpan.Zero);
        Refused("StaleAfter", source => Complete(source).StaleAfter = TimeSpan.FromSeconds(-1));
        Refused("TimeProvider", source => Complete(source).TimeProvider = null!);
    }

    [Fact]
    public void A_connection_string_that_cannot_be_read_is_said() =>
        Assert.Throws<FormatException>(() => new ConfigurationBuilder().AddEtcd("Endpoint=http://a:2379;Nonsense=1", "a/").Build());

    [Fact]
    public void What_is_null_or_empty_is_refused()
    {
        var builder = new ConfigurationBuilder();
        Assert.Throws<ArgumentNullException>("builder", () => EtcdConfigurationExtensions.AddEtcd(null!, _ => { }));
        Assert.Throws<ArgumentNullException>("builder", () => EtcdConfigurationExtensions.AddEtcd(null!, "http://a:2379", "a/"));
        Assert.Throws<ArgumentNullException>("configureSource", () => builder.AddEtcd(null!));
        Assert.Throws<ArgumentException>("connectionString", () => builder.AddEtcd(" ", "a/"));
        Assert.Throws<ArgumentNullException>("prefix", () => builder.AddEtcd("http://a:2379", null!));
        Assert.Throws<ArgumentNullException>("prefix", () => EtcdKeySelection.Prefix(null!));
        Assert.Throws<ArgumentException>("key", () => EtcdKeySelection.Key(""));
        Assert.Throws<ArgumentNullException>("configuration", () => EtcdConfigurationExtensions.GetEtcdProviders(null!));
    }

    [Fact]
    public void A_provider_says_what_it_is()
    {
        var source = new EtcdConfigurationSource { ConnectionString = "http://a:2379", Optional = true };
        using var provider = (EtcdConfigurationProvider)source.AddPrefix("a/").AddKey("b").Build(new ConfigurationBuilder());

        Assert.Equal("EtcdConfigurationProvider for 'a/', 'b' (Optional)", provider.ToString());
        Assert.Equal(new EtcdConfigurationStatus(), provider.Status);
    }

    private static EtcdConfigurationSource Complete(EtcdConfigurationSource source)
    {
        source.ConnectionString = "http://a:2379";
        return source.AddPrefix("a/");
    }

    private static void Refused(string message, Action<EtcdConfigurationSource> configure)
    {
        var e = Assert.Throws<InvalidOperationException>(() => new ConfigurationBuilder().AddEtcd(configure).Build());
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
