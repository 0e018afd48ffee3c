using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Etcd.Configuration.Tests;

/// <summary>The READMEs' code, to be compiled; see <see cref="ReadmeTests"/>. It is not run.</summary>
internal static class Examples
{
    public static void Connect(WebApplicationBuilder builder)
    {
        builder.Configuration.AddEtcd("http://localhost:2379", "config/orders/", reloadOnChange: true);
        builder.Services.Configure<PaintOptions>(builder.Configuration.GetSection("Paint"));
    }

    public static void Select(WebApplicationBuilder builder)
    {
        builder.Configuration.AddEtcd(source =>
        {
            source.ConnectionString = "Endpoints=http://a:2379,http://b:2379;Username=app;Password=secret";
            source.AddPrefix("config/common/");
            source.AddPrefix("config/orders/", EtcdValueFormat.ByExtension);
            source.AddKey("config/orders.json", EtcdValueFormat.Json);
            source.AddPrefix("flags/", section: "Features");
            source.ReloadOnChange = true;
        });
    }

    public static void Decrypt(EtcdConfigurationSource source, Vault vault)
    {
        source.Selections.Add(EtcdKeySelection.Prefix("secrets/") with
        {
            Parser = item => [new("", vault.Decrypt(item.Value.Span))],
        });
    }

    public static void Fail(EtcdConfigurationSource source)
    {
        source.LastKnownGoodFile = "/var/lib/orders/settings.json";
        source.OnLoadException = context =>
        {
            Console.Error.WriteLine(context.Exception.Message);
            context.Ignore = true; // Start without settings rather than not at all.
        };
        source.OnWatchException = context => TimeSpan.FromSeconds(context.ConsecutiveFailures);
    }

    public static string Read(IConfigurationRoot root)
    {
        (string? host, string? port) = root.ReadAtOneRevision(c => (c["Database:Host"], c["Database:Port"]));
        return $"{host}:{port}";
    }

    public static async Task LookAsync(IConfigurationRoot root)
    {
        foreach (EtcdConfigurationProvider provider in root.GetEtcdProviders())
        {
            EtcdConfigurationStatus status = provider.Status;
            Console.WriteLine($"{status.Origin} at revision {status.Revision}, heard of {status.Age} ago");
            await provider.ReloadAsync();
        }
    }

    public static void Observe(WebApplicationBuilder builder)
    {
        builder.Services.AddEtcdConfiguration();
        builder.Services.AddHealthChecks().AddEtcdConfiguration();
        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource(EtcdConfigurationTelemetry.ActivitySourceName))
            .WithMetrics(metrics => metrics.AddMeter(EtcdConfigurationTelemetry.MeterName));
    }

    public static void Host(IHostApplicationBuilder builder)
    {
        builder.AddEtcdConfiguration("etcd");
    }

    public static void HostWithDelegates(IHostApplicationBuilder builder)
    {
        builder.AddEtcdConfiguration(
            "etcd",
            settings => settings.Prefixes.Add("config/orders/"),
            source => source.OnLoadException = context => Console.Error.WriteLine(context.Exception.Message));
    }

    public sealed class PaintOptions
    {
        public string? Color { get; set; }
    }

    public abstract class Vault
    {
        public abstract string Decrypt(ReadOnlySpan<byte> value);
    }
}
