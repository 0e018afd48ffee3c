using System.Reflection;
using System.Runtime.Loader;
using Etcd.Client.Tests.Suites;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: keys that processes make at the same moment are different keys. Method: the client's assembly is loaded twice, each time with statics
/// of its own, as in two processes; a clock that stands still gives both the same moment.
/// </summary>
public sealed class UniqueKeyTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;

    [Fact]
    public async Task Two_processes_at_one_moment_make_two_keys()
    {
        var clock = new StandingClock();
        await using var first = new OtherProcess(Url, clock);
        await using var second = new OtherProcess(Url, clock);
        object session = await first.CallAsync(first.Leases, "IEtcdLeases", "CreateSessionAsync", TimeSpan.FromSeconds(60), Token);
        // The same lease, as one has it who resumes the session elsewhere: the store cannot tell the two apart by it.
        object lease = second.New("EtcdLeaseId", first.LeaseOf(session));
        object resumed = await second.CallAsync(second.Leases, "IEtcdLeases", "ResumeSessionAsync", lease, Token);

        string[] keys = [await AcquireAsync(first, session), await AcquireAsync(second, resumed), await AcquireAsync(first, session)];

        Assert.Equal(3, keys.Distinct().Count());
        Assert.Equal(3, await NewClient().Kv.CountAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token));
        Assert.Single(keys.Select(key => key.Split('-')[0]).Distinct());
    }

    private async Task<string> AcquireAsync(OtherProcess process, object session)
    {
        object semaphore = process.New("EtcdSemaphore", session, process.New("EtcdKey", Prefix + "places"), 5);
        object held = await process.CallAsync(semaphore, "EtcdSemaphore", "AcquireAsync", Token);
        return process.TypeOf("EtcdLock").GetProperty("Key")!.GetValue(held)!.ToString()!;
    }

    /// <summary>A client whose assembly is not that of the test.</summary>
    private sealed class OtherProcess : IAsyncDisposable
    {
        private readonly Assembly _assembly =
            new AssemblyLoadContext(null).LoadFromAssemblyPath(typeof(EtcdClient).Assembly.Location);

        private readonly IAsyncDisposable _client;

        public OtherProcess(string url, TimeProvider clock)
        {
            object options = TypeOf("EtcdClientOptions").GetMethod("Parse")!.Invoke(null, [url])!;
            TypeOf("EtcdClientOptions").GetProperty("TimeProvider")!.SetValue(options, clock);
            _client = (IAsyncDisposable)New("EtcdClient", options, null);
            Leases = TypeOf("EtcdClient").GetProperty("Leases")!.GetValue(_client)!;
        }

        public object Leases { get; }

        public Type TypeOf(string name) => _assembly.GetType("Etcd.Client." + name, throwOnError: true)!;

        public object New(string type, params object?[] arguments) => Activator.CreateInstance(TypeOf(type), arguments)!;

        public long LeaseOf(object session)
        {
            object id = TypeOf("EtcdSession").GetProperty("LeaseId")!.GetValue(session)!;
            return (long)TypeOf("EtcdLeaseId").GetProperty("Value")!.GetValue(id)!;
        }

        /// <summary>Calls a method that gives a ValueTask of something.</summary>
        public async Task<object> CallAsync(object target, string type, string method, params object?[] arguments)
        {
            object called = TypeOf(type).GetMethod(method)!.Invoke(target, arguments)!;
            var task = (Task)called.GetType().GetMethod("AsTask")!.Invoke(called, null)!;
            await task.WaitAsync(Patience, Token);
            return task.GetType().GetProperty("Result")!.GetValue(task)!;
        }

        public ValueTask DisposeAsync() => _client.DisposeAsync();
    }

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override long GetTimestamp() => 1;
    }
}
