using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Etcd.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Etcd.AppHost.Tests.Telemetry;

/// <summary>A service with the defaults: what it sends where, and what it says about its health.</summary>
public sealed partial class ServiceDefaultsTests
{
    private const string Name = "Etcd.AppHost.Tests.Service";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_trace_a_metric_and_a_log_reach_the_receiver_with_the_name_of_the_service()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using (var app = await StartAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_SERVICE_NAME"] = "etcd-7",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "50",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        }))
        {
            using var source = new ActivitySource(Name);
            using var meter = new Meter(Name);
            meter.CreateCounter<int>("test.count").Add(1);
            source.StartActivity("test-span")!.Dispose();
            LogTest(app.Services.GetRequiredService<ILogger<ServiceDefaultsTests>>(), 42);

            Assert.Contains("etcd-7", await receiver.WaitForAsync("traces", "test-span"), StringComparison.Ordinal);
            Assert.Contains("etcd-7", await receiver.WaitForAsync("metrics", "test.count"), StringComparison.Ordinal);
            Assert.Contains("etcd-7", await receiver.WaitForAsync("logs", "the answer is 42"), StringComparison.Ordinal);
            await receiver.WaitForAsync("metrics", "dotnet.");
        }
    }

    [Fact]
    public async Task Requests_are_traced_and_measured()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var app = await StartAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        });
        using var client = new HttpClient { BaseAddress = new Uri(AddressOf(app)) };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/alive", Cancel)).StatusCode);

        await receiver.WaitForAsync("metrics", "http.server.request.duration");
        await receiver.WaitForAsync("traces", "Microsoft.AspNetCore");
    }

    [Fact]
    public async Task Without_a_receiver_the_providers_exist_and_nothing_is_sent()
    {
        await using var app = await StartAsync([]);

        Assert.NotNull(app.Services.GetService<TracerProvider>());
        Assert.NotNull(app.Services.GetService<MeterProvider>());
        using var source = new ActivitySource(Name);
        using var activity = source.StartActivity("listened-to");
        Assert.NotNull(activity);
    }

    [Fact]
    public async Task Health_is_served_in_development_only()
    {
        await using var development = await StartAsync([]);
        await using var production = await StartAsync(new() { ["environment"] = "Production" });
        using var client = new HttpClient();

        Assert.Equal("Healthy", await client.GetStringAsync(new Uri($"{AddressOf(development)}/health"), Cancel));
        Assert.Equal("Healthy", await client.GetStringAsync(new Uri($"{AddressOf(development)}/alive"), Cancel));
        Assert.Equal(
            HttpStatusCode.NotFound, (await client.GetAsync(new Uri($"{AddressOf(production)}/health"), Cancel)).StatusCode);
    }

    [Theory]
    [InlineData("Etcd.Client")]
    [InlineData("Etcd.Configuration")]
    [InlineData("Etcd.Server")]
    public async Task Etcds_own_spans_and_figures_are_collected(string name)
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var app = await StartAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        });
        using var source = new ActivitySource(name);
        using var meter = new Meter(name);

        meter.CreateCounter<int>("a.figure").Add(1);
        source.StartActivity("a-span")!.Dispose();

        await receiver.WaitForAsync("traces", "a-span");
        await receiver.WaitForAsync("metrics", "a.figure");
    }

    [Theory]
    [InlineData("http://orders/")]
    [InlineData("https+http://orders/")]
    [InlineData("http://_front.orders/")]
    public async Task Another_service_is_found_by_its_name(string address)
    {
        await using var orders = await StartAsync([], app => app.MapGet("/count", () => "42"));
        await using var app = await StartAsync(new()
        {
            ["services:orders:http:0"] = AddressOf(orders),
            ["services:orders:front:0"] = AddressOf(orders),
        });

        using var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        Assert.Equal("42", await client.GetStringAsync(new Uri(address + "count"), Cancel));
    }

    [Fact]
    public async Task A_request_that_failed_for_now_is_sent_again()
    {
        var requests = 0;
        await using var orders = await StartAsync([], app => app.MapGet("/count", (HttpResponse response) =>
        {
            response.Headers.RetryAfter = "0";
            return Interlocked.Increment(ref requests) == 1 ? Results.StatusCode(503) : Results.Text("42");
        }));
        await using var app = await StartAsync([]);
        using var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        Assert.Equal("42", await client.GetStringAsync(new Uri(AddressOf(orders) + "/count"), Cancel));
        Assert.Equal(2, requests);
    }

    [LoggerMessage(LogLevel.Information, "the answer is {Answer}")]
    private static partial void LogTest(ILogger logger, int answer);

    private static string AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    private static async Task<WebApplication> StartAsync(
        Dictionary<string, string?> configuration, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = Name,
            EnvironmentName = configuration.GetValueOrDefault("environment") ?? "Development",
        });
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        map?.Invoke(app);
        await app.StartAsync(Cancel);
        return app;
    }
}
