using System.Diagnostics;
using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Client;
using Etcd.Testing;

namespace Etcd.Bench;

/// <summary>
/// The command <c>test-server</c>: how long a test waits for its EtcdTestServer. The first of a process also pays for loading and
/// compiling the server; the first put, with a client of its own, shows that it serves.
/// </summary>
internal static class TestServerCommand
{
    public static async Task<int> RunAsync(CommandLine arguments, CancellationToken stop)
    {
        int servers = arguments.Integer("servers", 20, 1, 1000);
        arguments.RequireAllTaken();
        Times first = await MeasureAsync(stop).ConfigureAwait(false);
        var later = new List<Times>();
        for (int i = 0; i < servers; i++)
            later.Add(await MeasureAsync(stop).ConfigureAwait(false));
        Print("the first of the process", first);
        Print($"median of the {servers} after it", new Times(
            Medians.Of(later, t => t.Start), Medians.Of(later, t => t.StartCpu), Medians.Of(later, t => t.Put), Medians.Of(later, t => t.Stop)));
        return 0;
    }

    private static async Task<Times> MeasureAsync(CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        EtcdTestServer server = await EtcdTestServer.StartAsync(null, stop).ConfigureAwait(false);
        long started = Stopwatch.GetTimestamp();
        cpu = Environment.CpuUsage.TotalTime - cpu;
        await using (EtcdClient client = server.CreateClient())
            await client.Kv.PutAsync("greeting", "hello", null, stop).ConfigureAwait(false);
        long put = Stopwatch.GetTimestamp();
        await server.DisposeAsync().ConfigureAwait(false);
        long ended = Stopwatch.GetTimestamp();
        return new Times(Milliseconds(began, started), cpu.TotalMilliseconds, Milliseconds(started, put), Milliseconds(put, ended));
    }

    private static double Milliseconds(long began, long ended) => Stopwatch.GetElapsedTime(began, ended).TotalMilliseconds;

    private static void Print(string what, Times times) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what}: started in {times.Start:0} ms ({times.StartCpu:0} ms of processor time), first put of a new client {times.Put:0} ms, stopped and deleted in {times.Stop:0} ms"));

    private readonly record struct Times(double Start, double StartCpu, double Put, double Stop);
}
