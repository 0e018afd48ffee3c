using System.Net;
using System.Text;
using System.Text.Json;
using Etcd.Protocol.Authpb;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;
using static Etcd.Server.Tests.Auth.AuthHost;

namespace Etcd.Server.Tests.Auth;

/// <summary>Goal: signing in, tokens and rights as a client meets them. Method: a whole member and generated clients.</summary>
public sealed class AuthCallTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_password_gives_a_token_and_a_wrong_one_does_not()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Assert.Matches(@"^[a-zA-Z]{16}\.[0-9]+$", await host.TokenAsync("alice"));
        Assert.NotEqual(await host.TokenAsync("alice"), await host.TokenAsync("alice"));
        Metadata root = await host.SignInAsync("root");
        await host.Auth.UserAddAsync(new AuthUserAddRequest { Name = "certified", Options = new UserAddOptions { NoPassword = true } }, root, cancellationToken: Cancel);
        await host.Auth.UserAddAsync(new AuthUserAddRequest { Name = "empty" }, root, cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.AuthFailed, host.TokenAsync("alice", "PW"));
        await FailsAsync(EtcdErrors.AuthFailed, host.TokenAsync("alice", ""));
        await FailsAsync(EtcdErrors.AuthFailed, host.TokenAsync("ghost"));
        await FailsAsync(EtcdErrors.NoPasswordUser, host.TokenAsync("certified"));
        Assert.NotEmpty(await host.TokenAsync("empty", ""));
        var tooLong = await Assert.ThrowsAsync<RpcException>(async () =>
            await host.Auth.UserAddAsync(new AuthUserAddRequest { Name = "long", Password = new string('x', 73) }, root, cancellationToken: Cancel));
        Assert.Equal((StatusCode.Unknown, "bcrypt: password length exceeds 72 bytes"), (tooLong.StatusCode, tooLong.Status.Detail));
    }

    [Fact]
    public async Task A_token_comes_as_token_or_as_authorization_with_bearer_or_without()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        string token = await host.TokenAsync("alice");
        foreach (Metadata headers in new Metadata[]
        {
            [new("token", token)], [new("token", "Bearer " + token)], [new("authorization", token)], [new("authorization", "Bearer " + token)],
            [new("authorization", "nonsense"), new("token", token)],
        })
        {
            await host.Kv.PutAsync(Put("app/k"), headers, cancellationToken: Cancel);
        }

        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.PutAsync(Put("app/k"), [new("token", ""), new("authorization", token)], cancellationToken: Cancel).ResponseAsync);
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.PutAsync(Put("app/k"), [new("token", "bearer " + token)], cancellationToken: Cancel).ResponseAsync);
    }

    /// <summary>A token that names an entry of the far future must neither hang its call nor cost anything for long.</summary>
    [Fact]
    public async Task A_token_from_the_future_is_refused_at_once()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.RangeAsync(Get("read"), [new("token", "abc." + ulong.MaxValue)], cancellationToken: Cancel).ResponseAsync);
    }

    [Fact]
    public async Task A_token_ends_with_the_password_with_the_user_and_with_authentication()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata root = await host.SignInAsync("root");
        Metadata alice = await host.SignInAsync("alice");
        await host.Auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "alice", Password = "new" }, root, cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.PutAsync(Put("app/k"), alice, cancellationToken: Cancel).ResponseAsync);
        await FailsAsync(EtcdErrors.AuthFailed, host.TokenAsync("alice"));
        alice = await host.SignInAsync("alice", "new");
        await host.Kv.PutAsync(Put("app/k"), alice, cancellationToken: Cancel);
        await host.Auth.UserDeleteAsync(new AuthUserDeleteRequest { Name = "alice" }, root, cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.PutAsync(Put("app/k"), alice, cancellationToken: Cancel).ResponseAsync);
        await host.Auth.AuthDisableAsync(new AuthDisableRequest(), root, cancellationToken: Cancel);
        await host.Kv.PutAsync(Put("secret"), [new("token", "nonsense")], cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.AuthNotEnabled, host.TokenAsync("root"));
        await host.Auth.AuthEnableAsync(new AuthEnableRequest(), cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.PutAsync(Put("secret"), root, cancellationToken: Cancel).ResponseAsync);
    }

    /// <summary>GHSA-xg4h-6gfc-h4m8 (3.7.1): whoever might read one key could watch all keys from it on.</summary>
    [Theory]
    [InlineData("read", "", true)]
    [InlineData("read", "\0", false)]
    [InlineData("\0", "\0", false)]
    [InlineData("", "\0", false)]
    [InlineData("", "", false)]
    [InlineData("app/", "app0", true)]
    [InlineData("app/", "\0", false)]
    [InlineData("app/x", "app/y", true)]
    [InlineData("write", "", false)]
    public async Task A_watch_needs_the_right_to_read_all_that_it_watches(string key, string end, bool isAllowed)
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata alice = await host.SignInAsync("alice");
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call = new Protocol.Etcdserverpb.Watch.WatchClient(host.Host.Channel).Watch(alice, cancellationToken: Cancel);
        await call.RequestStream.WriteAsync(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) } }, Cancel);
        Assert.True(await call.ResponseStream.MoveNext(Cancel));
        WatchResponse created = call.ResponseStream.Current;
        Assert.True(created.Created);
        Assert.Equal(!isAllowed, created.Canceled);
        Assert.Equal(isAllowed ? (0, "") : (-1, "rpc error: code = PermissionDenied desc = etcdserver: permission denied"), (created.WatchId, created.CancelReason));

        // The stream is there for other watches.
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("app/other") } }, Cancel);
        Assert.True(await call.ResponseStream.MoveNext(Cancel));
        Assert.False(call.ResponseStream.Current.Canceled);
        await host.Kv.PutAsync(Put("app/other"), alice, cancellationToken: Cancel);
        Assert.True(await call.ResponseStream.MoveNext(Cancel));
        Assert.Equal("app/other", Assert.Single(call.ResponseStream.Current.Events).Kv.Key.ToStringUtf8());
    }

    /// <summary>CVE-2023-32082: the names of a lease's keys were told to whoever knew the lease.</summary>
    [Fact]
    public async Task The_keys_of_a_lease_are_told_to_whoever_may_read_them()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata root = await host.SignInAsync("root");
        Metadata alice = await host.SignInAsync("alice");
        await host.Leases.LeaseGrantAsync(new LeaseGrantRequest { ID = 1, TTL = 100 }, alice, cancellationToken: Cancel);
        await host.Kv.PutAsync(Put("app/k", lease: 1), alice, cancellationToken: Cancel);
        var question = new LeaseTimeToLiveRequest { ID = 1, Keys = true };
        Assert.Equal("app/k", Assert.Single((await host.Leases.LeaseTimeToLiveAsync(question, alice, cancellationToken: Cancel)).Keys).ToStringUtf8());
        Assert.Single((await host.Leases.LeaseLeasesAsync(new LeaseLeasesRequest(), alice, cancellationToken: Cancel)).Leases);
        await host.Kv.PutAsync(Put("secret", lease: 1), root, cancellationToken: Cancel);
        await FailsAsync(EtcdErrors.PermissionDenied, host.Leases.LeaseTimeToLiveAsync(question, alice, cancellationToken: Cancel).ResponseAsync);
        await FailsAsync(EtcdErrors.PermissionDenied, host.Leases.LeaseLeasesAsync(new LeaseLeasesRequest(), alice, cancellationToken: Cancel).ResponseAsync);
        Assert.Equal(100, (await host.Leases.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 1 }, alice, cancellationToken: Cancel)).GrantedTTL);
        Assert.Equal(2, (await host.Leases.LeaseTimeToLiveAsync(question, root, cancellationToken: Cancel)).Keys.Count);
    }

    /// <summary>The end of a lease is no user's request, and takes keys of whatever user.</summary>
    [Fact]
    public async Task Leases_end_by_themselves_whoevers_keys_they_have()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata root = await host.SignInAsync("root");
        await host.Leases.LeaseGrantAsync(new LeaseGrantRequest { ID = 1, TTL = 1 }, root, cancellationToken: Cancel);
        await host.Kv.PutAsync(Put("secret", lease: 1), root, cancellationToken: Cancel);
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call = new Protocol.Etcdserverpb.Watch.WatchClient(host.Host.Channel).Watch(root, cancellationToken: Cancel);
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("secret"), StartRevision = 1 } }, Cancel);
        while (await call.ResponseStream.MoveNext(Cancel))
        {
            if (call.ResponseStream.Current.Events.Any(e => e.Type == Protocol.Mvccpb.Event.Types.EventType.Delete))
            {
                return;
            }
        }

        Assert.Fail("the key was not deleted");
    }

    [Fact]
    public async Task The_gateway_signs_in_and_asks_with_authorization()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        string key = Convert.ToBase64String("app/k"u8);
        using JsonDocument signedIn = JsonDocument.Parse(await PostAsync("/v3/auth/authenticate", """{"name":"alice","password":"pw"}""", null, HttpStatusCode.OK));
        string token = signedIn.RootElement.GetProperty("token").GetString()!;
        await PostAsync("/v3/kv/put", $$"""{"key":"{{key}}","value":"dg=="}""", token, HttpStatusCode.OK);
        await PostAsync("/v3/kv/range", $$"""{"key":"{{key}}"}""", "Bearer " + token, HttpStatusCode.OK);
        Assert.Contains("etcdserver: user name is empty", await PostAsync("/v3/kv/range", $$"""{"key":"{{key}}"}""", null, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("etcdserver: invalid auth token", await PostAsync("/v3/kv/range", $$"""{"key":"{{key}}"}""", "x.1", HttpStatusCode.Unauthorized), StringComparison.Ordinal);
        string denied = await PostAsync("/v3/kv/range", $$"""{"key":"{{Convert.ToBase64String("secret"u8)}}"}""", token, HttpStatusCode.Forbidden);
        Assert.Contains("etcdserver: permission denied", denied, StringComparison.Ordinal);
        Assert.Contains("\"enabled\":true", await PostAsync("/v3/auth/status", "{}", null, HttpStatusCode.OK), StringComparison.Ordinal);

        async Task<string> PostAsync(string path, string json, string? authorization, HttpStatusCode expected)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
            if (authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            }

            using HttpResponseMessage response = await host.Http.SendAsync(request, Cancel);
            string text = await response.Content.ReadAsStringAsync(Cancel);
            Assert.True(response.StatusCode == expected, $"{path}: {response.StatusCode} {text}");
            return text;
        }
    }

    /// <summary>A web token of a member that is ahead: this one knows older rights, and must not answer by them.</summary>
    [Fact]
    public async Task A_token_of_a_later_revision_is_not_answered_by_older_rights()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "secret", Cancel);
            await using AuthHost host = await AuthHost.StartAsync(o => o with { AuthToken = $"jwt,sign-method=HS256,priv-key={file}" });
            using var tokens = new Server.Auth.Tokens.JwtTokens(
                Server.Auth.Tokens.JwtKeys.Make("HS256", null, "secret"u8.ToArray()), TimeSpan.FromMinutes(1), TimeProvider.System);
            ulong now = host.Host.Member.Api.Auth.Current.Revision;
            await host.Kv.RangeAsync(Get("read"), [new("token", tokens.Sign("alice", now))], cancellationToken: Cancel);
            foreach (ulong other in new[] { now - 1, now + 1 })
            {
                Metadata headers = [new("token", tokens.Sign("alice", other))];
                await FailsAsync(EtcdErrors.AuthOldRevision, host.Kv.RangeAsync(Get("read"), headers, cancellationToken: Cancel).ResponseAsync);
                var txn = new TxnRequest { Success = { new RequestOp { RequestRange = Get("read") } } };
                await FailsAsync(EtcdErrors.AuthOldRevision, host.Kv.TxnAsync(txn, headers, cancellationToken: Cancel).ResponseAsync);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task The_revision_is_in_the_metrics()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        string metrics = await host.Http.GetStringAsync("/metrics", Cancel);
        Assert.Contains("\netcd_debugging_auth_revision 10\n", metrics, StringComparison.Ordinal);
    }

    /// <summary>
    /// Readers and one who grants and takes a right, again and again, and writes what nobody may see while it is taken away: whoever is
    /// answered has the right, however the two come together.
    /// </summary>
    [Fact]
    public async Task A_right_that_is_taken_away_cannot_be_raced()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata root = await host.SignInAsync("root");
        Metadata alice = await host.SignInAsync("alice");
        using var over = new CancellationTokenSource();
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<string, bool>();
        Task[] readers = [.. Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                try
                {
                    RangeRequest get = Get("app/k");
                    get.Serializable = i % 2 == 0;
                    RangeResponse found = i < 2
                        ? await host.Kv.RangeAsync(get, alice, cancellationToken: Cancel)
                        : (await host.Kv.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestRange = get } } }, alice, cancellationToken: Cancel)).Responses[0].ResponseRange;
                    seen.TryAdd(found.Kvs.Count == 0 ? "nothing" : found.Kvs[0].Value.ToStringUtf8(), true);
                }
                catch (RpcException e) when (e.Status.Detail == EtcdErrors.PermissionDenied.Text || e.Status.Detail == EtcdErrors.AuthOldRevision.Text)
                {
                }
            }
        }, Cancel))];
        for (int i = 0; i < 60; i++)
        {
            await host.Kv.PutAsync(Put("app/k", "open"), root, cancellationToken: Cancel);
            await host.Auth.UserRevokeRoleAsync(new AuthUserRevokeRoleRequest { Name = "alice", Role = "app" }, root, cancellationToken: Cancel);
            await host.Kv.PutAsync(Put("app/k", "hidden"), root, cancellationToken: Cancel);
            await host.Kv.PutAsync(Put("app/k", "open"), root, cancellationToken: Cancel);
            await host.Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "alice", Role = "app" }, root, cancellationToken: Cancel);
        }

        await over.CancelAsync();
        await Task.WhenAll(readers);
        Assert.Contains("open", seen.Keys);
        Assert.DoesNotContain("hidden", seen.Keys);
    }

    [Fact]
    public async Task A_token_that_is_not_used_ends_and_one_that_is_lives_on()
    {
        await using AuthHost host = await AuthHost.StartAsync(o => o with { AuthTokenLifetime = TimeSpan.FromSeconds(2) });
        Metadata root = await host.SignInAsync("root");
        string unused = await host.TokenAsync("root");
        // Used until the other one, which is as old, is too old.
        await UntilAsync(async () =>
        {
            await host.Kv.RangeAsync(Get("k"), root, cancellationToken: Cancel);
            return host.Host.Member.Api.Auth.Tokens is Server.Auth.Tokens.SimpleTokens { Count: 1 };
        });
        await FailsAsync(EtcdErrors.InvalidAuthToken, host.Kv.RangeAsync(Get("k"), [new("token", unused)], cancellationToken: Cancel).ResponseAsync);
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60), "waited too long");
            await Task.Delay(20, Cancel);
        }
    }

    private static async Task FailsAsync(EtcdError expected, Task call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal((expected.WireCode, expected.Text), (error.StatusCode, error.Status.Detail));
    }
}
