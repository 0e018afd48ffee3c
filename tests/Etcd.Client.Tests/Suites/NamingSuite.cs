using System.Text.Json;

namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: endpoints are written and read as Go's naming/endpoints does it, and who follows them knows which there are.</summary>
public abstract class NamingSuite : CoordinationSuite
{
    private string Target => Prefix + "orders";

    /// <summary>The texts are those that Go's encoding/json gives for its Update.</summary>
    [Fact]
    public async Task Endpoints_are_written_as_Go_writes_them()
    {
        var manager = new EtcdEndpointManager(Client, Target);
        using JsonDocument metadata = JsonDocument.Parse("""{"zone":"b","weight":[1,2]}""");

        await manager.AddAsync("1", new EtcdServiceEndpoint("10.0.0.7:8080"), cancellationToken: Token);
        await manager.AddAsync("2", new EtcdServiceEndpoint("10.0.0.8:8080", metadata.RootElement), cancellationToken: Token);

        Assert.Equal(
            [
                Target + """/1 = {"Op":0,"Addr":"10.0.0.7:8080","Metadata":null}""",
                Target + """/2 = {"Op":0,"Addr":"10.0.0.8:8080","Metadata":{"zone":"b","weight":[1,2]}}""",
            ],
            (await Client.Kv.GetRangeAsync(EtcdRange.Prefix(Target), cancellationToken: Token)).Items.Select(item => item.ToString()));
    }

    [Fact]
    public async Task Endpoints_of_others_are_read_and_what_is_none_is_passed_over()
    {
        await Client.Kv.PutAsync(Target + "/go", """{"Op":0,"Addr":"10.0.0.7:8080","Metadata":"v1"}""", cancellationToken: Token);
        await Client.Kv.PutAsync(Target + "/lower", """{"addr":"10.0.0.8:8080"}""", cancellationToken: Token);
        foreach ((string id, string value) in new[] { ("no", "no json"), ("list", "[]"), ("number", """{"Addr":7}"""), ("empty", "") })
        {
            await Client.Kv.PutAsync($"{Target}/{id}", value, cancellationToken: Token);
        }

        await Client.Kv.PutAsync(Target + "-other/1", """{"Addr":"10.0.0.9:8080"}""", cancellationToken: Token);

        EtcdEndpointSet found = await new EtcdEndpointManager(Client, Target).ListAsync(Token);

        Assert.Equal([$"{Target}/go", $"{Target}/lower"], found.Endpoints.Keys.Select(key => key.ToString()));
        Assert.Equal(["10.0.0.7:8080", "10.0.0.8:8080"], found.Endpoints.Values.Select(endpoint => endpoint.Address));
        Assert.Equal("v1", found.Endpoints[Target + "/go"].Metadata!.Value.GetString());
        Assert.Null(found.Endpoints[Target + "/lower"].Metadata);
    }

    [Fact]
    public async Task Who_follows_knows_the_endpoints_after_each_revision()
    {
        var manager = new EtcdEndpointManager(Client, Target);
        await manager.AddAsync("1", new EtcdServiceEndpoint("a:1"), cancellationToken: Token);
        await using IAsyncEnumerator<EtcdEndpointSet> sets = manager.FollowAsync(Token).GetAsyncEnumerator(Token);
        Assert.Equal(["a:1"], await NextAsync());

        EtcdSession session = await NewSessionAsync();
        await manager.AddAsync("2", new EtcdServiceEndpoint("b:1"), session.LeaseId, Token);
        Assert.Equal(["a:1", "b:1"], await NextAsync());
        long revision = await manager.UpdateAsync(
            new Dictionary<EtcdKey, EtcdServiceEndpoint?> { ["1"] = null, ["3"] = new("c:1"), ["4"] = new("d:1") }, cancellationToken: Token);
        Assert.Equal(["b:1", "c:1", "d:1"], await NextAsync());
        Assert.Equal(revision, sets.Current.Revision);
        await session.DisposeAsync();
        Assert.Equal(["c:1", "d:1"], await NextAsync());
        await Client.Kv.PutAsync(Target + "/3", "not an endpoint any more", cancellationToken: Token);
        Assert.Equal(["d:1"], await NextAsync());
        Assert.True(await manager.RemoveAsync("4", Token));
        Assert.False(await manager.RemoveAsync("4", Token));
        Assert.Empty(await NextAsync());

        async Task<string[]> NextAsync()
        {
            Assert.True(await InTimeAsync(sets.MoveNextAsync()));
            return [.. sets.Current.Endpoints.Values.Select(endpoint => endpoint.Address)];
        }
    }

    [Fact]
    public async Task A_service_and_an_endpoint_have_names()
    {
        Assert.Throws<ArgumentException>(() => new EtcdEndpointManager(Client, default));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await new EtcdEndpointManager(Client, Target).AddAsync(default, new EtcdServiceEndpoint("a"), cancellationToken: Token));
    }
}
