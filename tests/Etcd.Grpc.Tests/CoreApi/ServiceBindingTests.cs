using Grpc.Core;

namespace Etcd.Grpc.Tests.CoreApi;

/// <summary>Goal: what a service binds is what a binder gets.</summary>
public sealed class ServiceBindingTests
{
    private static readonly Method<string, string> _method = Client.TextService.Unary;

    [Fact]
    public void A_definition_takes_each_method_once()
    {
        var builder = ServerServiceDefinition.CreateBuilder()
            .AddMethod(_method, (UnaryServerMethod<string, string>)((request, _) => Task.FromResult(request)))
            .AddMethod(
                Client.TextService.Duplex, (DuplexStreamingServerMethod<string, string>)((_, _, _) => Task.CompletedTask));

        Assert.Throws<ArgumentException>(
            () => builder.AddMethod(_method, (UnaryServerMethod<string, string>)((request, _) => Task.FromResult(request))));
        Assert.NotNull(builder.Build());
    }

    [Fact]
    public void An_authentication_context_finds_its_properties()
    {
        var context = new AuthContext("name", new Dictionary<string, List<AuthProperty>>
        {
            ["name"] = [AuthProperty.Create("name", "root"u8.ToArray()), AuthProperty.Create("name", "admin"u8.ToArray())],
            ["other"] = [AuthProperty.Create("other", "x"u8.ToArray())],
        });

        Assert.True(context.IsPeerAuthenticated);
        Assert.Equal(["root", "admin"], context.PeerIdentity.Select(property => property.Value));
        Assert.Equal(3, context.Properties.Count());
        Assert.Empty(context.FindPropertiesByName("none"));
        Assert.False(new AuthContext(null, []).IsPeerAuthenticated);
        Assert.Empty(new AuthContext(null, []).PeerIdentity);
    }
}
