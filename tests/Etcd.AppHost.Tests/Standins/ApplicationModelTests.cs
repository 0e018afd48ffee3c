using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.AppHost.Tests.Standins;

/// <summary>What the builder makes of its calls: names, annotations, environment, arguments. Nothing is started.</summary>
public sealed class ApplicationModelTests
{
    private readonly IDistributedApplicationBuilder _builder = DistributedApplication.CreateBuilder();

    [Theory]
    [InlineData("")]
    [InlineData("1st")]
    [InlineData("a_b")]
    [InlineData("a--b")]
    [InlineData("a-")]
    public void A_name_that_could_not_be_one_everywhere_is_refused(string name) =>
        Assert.ThrowsAny<ArgumentException>(() => _builder.AddExecutable(name, "x", "."));

    [Fact]
    public void Two_resources_may_not_have_the_same_name_in_any_case()
    {
        _builder.AddExecutable("one", "x", ".");

        Assert.Throws<DistributedApplicationException>(() => _builder.AddParameter("ONE"));
    }

    [Fact]
    public void An_annotation_is_added_or_takes_the_place_of_others_of_its_type()
    {
        var resource = _builder.AddExecutable("one", "x", ".")
            .WithAnnotation(new ResourceIconAnnotation("a"))
            .WithAnnotation(new ResourceIconAnnotation("b"));
        Assert.Equal(2, resource.Resource.Annotations.OfType<ResourceIconAnnotation>().Count());

        resource.WithAnnotation(new ResourceIconAnnotation("c"), ResourceAnnotationMutationBehavior.Replace);
        Assert.Equal("c", Assert.Single(resource.Resource.Annotations.OfType<ResourceIconAnnotation>()).IconName);
    }

    [Fact]
    public void A_relative_working_directory_is_one_of_the_app_host() =>
        Assert.Equal(
            Path.GetFullPath("sub", _builder.AppHostDirectory),
            _builder.AddExecutable("one", "x", "sub").Resource.WorkingDirectory);

    [Fact]
    public async Task Environment_and_arguments_are_resolved_in_the_order_of_the_calls()
    {
        var parameter = _builder.AddParameter("level", "info");
        var resource = _builder.AddExecutable("one", "x", ".", "first")
            .WithArgs("--level", parameter, ReferenceExpression.Create($"<{parameter}>"), 5)
            .WithArgs(context => context.Args.Remove("first"))
            .WithEnvironment("A", "1")
            .WithEnvironment("B", parameter)
            .WithEnvironment("C", $"[{parameter}]")
            .WithEnvironment("D", () => "late")
            .WithEnvironment(context => context.EnvironmentVariables["A"] = "2")
            .Resource;

        Assert.Equal(["--level", "info", "<info>", "5"], await ArgumentsAsync(resource));
        var environment = await EnvironmentAsync(resource);
        Assert.Equal("2", environment["A"]);
        Assert.Equal("info", environment["B"]);
        Assert.Equal("[info]", environment["C"]);
        Assert.Equal("late", environment["D"]);
    }

    [Fact]
    public async Task A_reference_to_a_connection_string_sets_it_and_its_properties()
    {
        var store = _builder.AddResource(new Store("kv-store"));
        var environment = await EnvironmentAsync(_builder.AddExecutable("one", "x", ".").WithReference(store).Resource);
        Assert.Equal("endpoints=a,b", environment["ConnectionStrings__kv-store"]);
        Assert.Equal("etcd-a", environment["KV_STORE_HOST"]);

        environment = await EnvironmentAsync(_builder.AddExecutable("two", "x", ".").WithReference(store, "other").Resource);
        Assert.Equal("endpoints=a,b", environment["ConnectionStrings__other"]);
    }

    [Fact]
    public async Task A_connection_string_that_is_missing_is_an_error_unless_it_is_optional()
    {
        var missing = _builder.AddConnectionString("missing");
        var needs = _builder.AddExecutable("one", "x", ".").WithReference(missing).Resource;

        await Assert.ThrowsAsync<MissingParameterValueException>(() => EnvironmentAsync(needs));
        _builder.Configuration["ConnectionStrings:present"] = "here";
        var has = _builder.AddExecutable("two", "x", ".").WithReference(_builder.AddConnectionString("present")).Resource;
        Assert.Equal("here", (await EnvironmentAsync(has))["ConnectionStrings__present"]);
    }

    [Fact]
    public async Task A_reference_to_a_service_names_its_endpoints()
    {
        var project = new ProjectResource("my-api");
        foreach (var (scheme, port) in new[] { ("http", 80), ("https", 443) })
        {
            var endpoint = new EndpointAnnotation(System.Net.Sockets.ProtocolType.Tcp, uriScheme: scheme);
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port, null);
            project.Annotations.Add(endpoint);
        }

        var user = _builder.AddExecutable("one", "x", ".").WithReference(_builder.AddResource(project)).Resource;
        var environment = await EnvironmentAsync(user);

        Assert.Equal("http://localhost:80", environment["services__my-api__http__0"]);
        Assert.Equal("https://localhost:443", environment["services__my-api__https__0"]);
        Assert.Equal("http://localhost:80", environment["MY_API_HTTP"]);
        Assert.Contains(user.Annotations.OfType<ResourceRelationshipAnnotation>(), r => r.Resource == project && r.Type == "Reference");
    }

    [Fact]
    public async Task A_parameter_comes_from_the_configuration_and_its_absence_is_named()
    {
        var parameter = _builder.AddParameter("token", secret: true).Resource;
        var e = await Assert.ThrowsAsync<MissingParameterValueException>(
            async () => await parameter.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Parameters:token", e.Message, StringComparison.Ordinal);

        _builder.Configuration["Parameters:later"] = "value";
        Assert.Equal(
            "value", await _builder.AddParameter("later").Resource.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.True(parameter.Secret);
    }

    [Fact]
    public void A_resource_can_wait_neither_for_itself_nor_for_its_child()
    {
        var parent = _builder.AddExecutable("parent", "x", ".");
        var child = _builder.AddResource(new Child("child", parent.Resource));

        Assert.Throws<DistributedApplicationException>(() => parent.WaitFor(parent));
        Assert.Throws<DistributedApplicationException>(() => parent.WaitFor(child));
        parent.WaitForCompletion(_builder.AddExecutable("setup", "x", "."), exitCode: 3);
        Assert.Equal(3, Assert.Single(parent.Resource.Annotations.OfType<WaitAnnotation>()).ExitCode);
    }

    [Fact]
    public void An_endpoint_without_a_proxy_has_one_port_whichever_is_given()
    {
        var given = Endpoint(e => { e.Port = 1; e.IsProxied = false; });
        Assert.Equal((1, 1), (given.Port, given.TargetPort));
        var target = Endpoint(e => { e.TargetPort = 2; e.IsProxied = false; });
        Assert.Equal((2, 2), (target.Port, target.TargetPort));
        var proxied = Endpoint(e => e.TargetPort = 3);
        Assert.Equal((null, 3), (proxied.Port, proxied.TargetPort));
    }

    [Fact]
    public void An_endpoint_can_be_changed_but_not_added_twice()
    {
        var resource = _builder.AddExecutable("one", "x", ".").WithHttpEndpoint(port: 1, name: "main");

        Assert.Throws<DistributedApplicationException>(() => resource.WithHttpEndpoint(port: 2, name: "main"));
        resource.WithEndpoint("main", e => e.Port = 3);
        resource.WithEndpoint("other", e => e.Port = 4, createIfNotExists: false);
        Assert.Equal(3, Assert.Single(resource.Resource.Annotations.OfType<EndpointAnnotation>()).Port);
    }

    private static EndpointAnnotation Endpoint(Action<EndpointAnnotation> configure)
    {
        var endpoint = new EndpointAnnotation(System.Net.Sockets.ProtocolType.Tcp);
        configure(endpoint);
        return endpoint;
    }

    private Task<string[]> ArgumentsAsync(IResource resource) => ProcessConfiguration.ArgumentsAsync(
        resource, _builder.ExecutionContext, NullLogger.Instance, TestContext.Current.CancellationToken);

    private Task<Dictionary<string, string>> EnvironmentAsync(IResource resource) => ProcessConfiguration.EnvironmentAsync(
        resource, _builder.ExecutionContext, NullLogger.Instance, TestContext.Current.CancellationToken);

    private sealed class Child(string name, IResource parent) : Resource(name), IResourceWithParent<IResource>
    {
        public IResource Parent { get; } = parent;
    }

    private sealed class Store(string name) : Resource(name), IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"endpoints=a,b");

        IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
            [new("Host", ReferenceExpression.Create($"etcd-a"))];
    }
}
