using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.ServiceDiscovery;

namespace Etcd.Client.Tests.Hosting;

/// <summary>Goal: .NET's service discovery finds the endpoints that are in etcd, and those that come and go.</summary>
public sealed class DiscoveryTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    private readonly string _service = $"orders{Guid.NewGuid():n}";

    protected override string Url => member.Url;

    private EtcdEndpointManager Manager => new(NewClient(), "services/" + _service);

    [Fact]
    public async Task Endpoints_are_those_in_etcd()
    {
        using IHost host = Build(Url);
        var resolver = host.Services.GetRequiredService<ServiceEndpointResolver>();
        // Without any the name is left to DNS.
        Assert.Contains(_service, Assert.Single(await ResolveAsync(resolver)), StringComparison.Ordinal);

        await Manager.AddAsync("1", new EtcdServiceEndpoint("127.0.0.1:81"), cancellationToken: Token);
        await Manager.AddAsync("2", new EtcdServiceEndpoint("https://orders-2.internal:8443"), cancellationToken: Token);
        await Manager.AddAsync("3", new EtcdServiceEndpoint(""), cancellationToken: Token);
        await UntilAsync(async () => (await ResolveAsync(resolver)).Length == 2);
        Assert.Equal(["127.0.0.1:81", "Unspecified/orders-2.internal:8443"], await ResolveAsync(resolver));

        await Manager.RemoveAsync("1", Token);
        await UntilAsync(async () => (await ResolveAsync(resolver)).Length == 1);
        Assert.Equal(["Unspecified/orders-2.internal:8443"], await ResolveAsync(resolver));
    }

    [Fact]
    public async Task Requests_go_to_the_instance_that_is_there()
    {
        string first = await StartAsync("first");
        string second = await StartAsync("second");
        await Manager.AddAsync("it", new EtcdServiceEndpoint(first), cancellationToken: Token);
        using IHost host = Build(Url);
        using HttpClient http = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("orders");
        Assert.Equal("first", await http.GetStringAsync($"http://{_service}/", Token));

        await Manager.AddAsync("it", new EtcdServiceEndpoint(second), cancellationToken: Token);

        await UntilAsync(async () => await http.GetStringAsync($"http://{_service}/", Token) == "second");
    }

    [Fact]
    public async Task Names_of_dns_are_not_looked_for_and_the_configuration_counts_first()
    {
        await Manager.AddAsync("1", new EtcdServiceEndpoint("127.0.0.1:81"), cancellationToken: Token);
        await new EtcdEndpointManager(NewClient(), "services/a.example").AddAsync("1", new EtcdServiceEndpoint("127.0.0.1:82"), cancellationToken: Token);
        using IHost host = Build(Url, ($"services:{_service}:http:0", "http://127.0.0.1:83"));
        var resolver = host.Services.GetRequiredService<ServiceEndpointResolver>();

        Assert.Equal(["http://127.0.0.1:83/"], await ResolveAsync(resolver));
        ServiceEndpointSource dotted = await resolver.GetEndpointsAsync("http://a.example", Token);
        Assert.DoesNotContain(dotted.Endpoints, endpoint => endpoint.ToString()!.Contains("127.0.0.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_known_stays_while_etcd_is_away()
    {
        InProcessMember mortal = Keep(await InProcessMember.StartAsync());
        FaultProxy proxy = Keep(FaultProxy.Start(mortal.Url));
        var manager = new EtcdEndpointManager(NewClient(mortal.Url), "services/" + _service);
        await manager.AddAsync("1", new EtcdServiceEndpoint("127.0.0.1:81"), cancellationToken: Token);
        using IHost host = Build(proxy.Url);
        var resolver = host.Services.GetRequiredService<ServiceEndpointResolver>();
        await UntilAsync(async () => (await ResolveAsync(resolver)).Length == 1);

        await proxy.RefuseAsync();
        proxy.Reset();
        await manager.AddAsync("2", new EtcdServiceEndpoint("127.0.0.1:82"), cancellationToken: Token);
        Assert.Equal(["127.0.0.1:81"], await ResolveAsync(resolver));

        proxy.Accept();
        await UntilAsync(async () => (await ResolveAsync(resolver)).Length == 2);
    }

    private IHost Build(string url, params (string Key, string Value)[] settings)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            [new("ConnectionStrings:etcd", url), .. settings.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value))]);
        builder.AddEtcdClient("etcd");
        builder.Services.AddServiceDiscovery().AddEtcdServiceEndpointProvider(options => options.Timeout = TimeSpan.FromSeconds(10));
        builder.Services.AddHttpClient("orders").AddServiceDiscovery();
        return builder.Build();
    }

    private async Task<string[]> ResolveAsync(ServiceEndpointResolver resolver) =>
        [.. (await resolver.GetEndpointsAsync($"http://{_service}", Token)).Endpoints.Select(endpoint => endpoint.EndPoint.ToString()!)];

    private async Task<string> StartAsync(string answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        string address = $"127.0.0.1:{FreePorts.Take()}";
        builder.WebHost.UseUrls("http://" + address);
        WebApplication server = Keep(builder.Build());
        server.Run(context => context.Response.WriteAsync(answer));
        await server.StartAsync(Token);
        return address;
    }
}
