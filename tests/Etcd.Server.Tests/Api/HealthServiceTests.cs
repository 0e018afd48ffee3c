using Etcd.Protocol.Health;
using Etcd.Server.Api.Health;
using Etcd.Server.Tests.Members;
using Grpc.Core;
using ServingStatus = Etcd.Protocol.Health.HealthCheckResponse.Types.ServingStatus;

namespace Etcd.Server.Tests.Api;

/// <summary>Goal: grpc.health.v1 as etcd has it. Method: a whole member; the service alone where the state changes.</summary>
public sealed class HealthServiceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheServerAsAWholeIsServing()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var health = new Health.HealthClient(host.Channel);

        Assert.Equal(ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest(), cancellationToken: Cancel)).Status);
        HealthListResponse all = await health.ListAsync(new HealthListRequest(), cancellationToken: Cancel);
        Assert.Equal(("", ServingStatus.Serving), (Assert.Single(all.Statuses).Key, Assert.Single(all.Statuses).Value.Status));
        RpcException unknown = await Assert.ThrowsAsync<RpcException>(
            () => health.CheckAsync(new HealthCheckRequest { Service = "etcdserverpb.KV" }, cancellationToken: Cancel).ResponseAsync);
        Assert.Equal((StatusCode.NotFound, "unknown service"), (unknown.StatusCode, unknown.Status.Detail));
    }

    [Fact]
    public async Task WhoWatchesIsToldTheStateAndEachChange()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var state = new ServingState();
        using var ended = new CancellationTokenSource();
        var told = new Told();
        Task watching = new HealthService(state, host.Member.Api).Watch(new HealthCheckRequest(), told, new TestCall(ended.Token));

        await ApiHost.UntilAsync("the state", () => told.Count == 1);
        state.Set(isServing: true);
        state.Set(isServing: false);
        await ApiHost.UntilAsync("a change", () => told.Count == 2);
        state.Set(isServing: true);
        await ApiHost.UntilAsync("another change", () => told.Count == 3);
        Assert.Equal([ServingStatus.Serving, ServingStatus.NotServing, ServingStatus.Serving], told.Statuses);

        await ended.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => watching)).StatusCode);
    }

    [Fact]
    public async Task WhoWatchesAnotherServiceIsToldThatThereIsNone()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using AsyncServerStreamingCall<HealthCheckResponse> watch = new Health.HealthClient(host.Channel).Watch(
            new HealthCheckRequest { Service = "other" }, cancellationToken: Cancel);

        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        Assert.Equal(ServingStatus.ServiceUnknown, watch.ResponseStream.Current.Status);
    }

    private sealed class Told : IServerStreamWriter<HealthCheckResponse>
    {
        private readonly List<ServingStatus> _statuses = [];

        public WriteOptions? WriteOptions { get; set; }

        public int Count
        {
            get
            {
                lock (_statuses)
                {
                    return _statuses.Count;
                }
            }
        }

        public IReadOnlyList<ServingStatus> Statuses => _statuses;

        public Task WriteAsync(HealthCheckResponse message)
        {
            lock (_statuses)
            {
                _statuses.Add(message.Status);
            }

            return Task.CompletedTask;
        }

        public Task WriteAsync(HealthCheckResponse message, CancellationToken cancellationToken) => WriteAsync(message);
    }
}
