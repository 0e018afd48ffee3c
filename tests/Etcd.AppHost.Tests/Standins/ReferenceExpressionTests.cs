using Aspire.Hosting.ApplicationModel;

namespace Etcd.AppHost.Tests.Standins;

/// <summary>An expression keeps its holes until it is asked for its value, and then has the text that interpolation would give.</summary>
public sealed class ReferenceExpressionTests
{
    private static readonly ParameterResource s_user = new("user", _ => "a b");
    private static readonly ParameterResource s_password = new("password", _ => "p@ss{0}", secret: true);

    [Fact]
    public async Task Holes_are_filled_with_values_and_named_in_the_manifest()
    {
        var expression = ReferenceExpression.Create($"http://{s_user}:{s_password:uri}@host{{x}}");

        Assert.Equal("http://a b:p%40ss%7B0%7D@host{x}", await expression.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Equal("http://{user.value}:{password.value}@host{x}", expression.ValueExpression);
        Assert.Equal([s_user, s_password], expression.ValueProviders);
    }

    [Fact]
    public async Task An_expression_within_another_keeps_its_literals_and_its_holes()
    {
        var inner = ReferenceExpression.Create($"{{{s_user}}}");
        var outer = ReferenceExpression.Create($"[{s_password}|{inner}|{{}}]");

        Assert.Equal("[p@ss{0}|{a b}|{}]", await outer.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Equal([s_password, s_user], outer.ValueProviders);
    }

    [Fact]
    public async Task A_builder_appends_text_values_and_interpolated_strings()
    {
        var builder = new ReferenceExpressionBuilder();
        Assert.True(builder.IsEmpty);
        builder.AppendLiteral("{");
        builder.AppendFormatted(s_user);
        builder.Append($"}}-{s_password}");

        Assert.False(builder.IsEmpty);
        Assert.Equal("{a b}-p@ss{0}", await builder.Build().GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_format_that_does_not_exist_is_refused()
    {
        var expression = ReferenceExpression.Create($"{s_user:upper}");

        await Assert.ThrowsAsync<FormatException>(
            async () => await expression.GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_value_of_an_endpoint_waits_until_the_endpoint_is_allocated()
    {
        var resource = new ExecutableResource("web", "web", "/");
        var endpoint = new EndpointAnnotation(System.Net.Sockets.ProtocolType.Tcp, uriScheme: "http", name: "main", targetPort: 81);
        var reference = new EndpointReference(resource, "main");
        Assert.False(reference.Exists);
        resource.Annotations.Add(endpoint);
        var value = ReferenceExpression
            .Create($"{reference};{reference.Property(EndpointProperty.HostAndPort)};{reference.Property(EndpointProperty.TargetPort)}")
            .GetValueAsync(TestContext.Current.CancellationToken)
            .AsTask();

        Assert.True(reference.Exists);
        Assert.False(reference.IsAllocated);
        Assert.False(value.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => reference.Url);

        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", 80, "81");
        Assert.Equal("http://localhost:80;localhost:80;81", await value);
        Assert.Equal(80, reference.Port);
    }
}
