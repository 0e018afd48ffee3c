using System.Globalization;
using Etcd.Bench.Load;

namespace Etcd.Bench;

/// <summary>The command <c>load</c>: one load against a server that already runs.</summary>
internal static class LoadCommand
{
    private const int ErrorsShownMax = 5;

    public static int Run(CommandLine arguments, CancellationToken cancellationToken)
    {
        (LoadOptions options, int? process, bool preload) = Parse(arguments);
        if (preload)
            Preload(options, cancellationToken);
        LoadResult result = LoadGenerator.Run(options, process is int id ? [id] : [], cancellationToken);
        Print(options, result);
        return result.Errors.Total == 0 ? 0 : 1;
    }

    private static (LoadOptions Options, int? Process, bool Preload) Parse(CommandLine arguments)
    {
        (string host, int port) = ParseEndpoint(arguments.Text("endpoint") ?? "127.0.0.1:2379");
        LoadOptions options = LoadArguments.Take(arguments, new LoadOptions { Host = host, Ports = [port] });
        options = options with
        {
            Workload = arguments.Choice("workload", WorkloadKind.Put),
            Clients = arguments.Integer("clients", options.Clients, 1),
            Rate = arguments.Number("rate", 0, 0),
            CallsMax = arguments.Integer("total", 0, 1),
        };
        int process = arguments.Integer("pid", 0, 1);
        bool preload = arguments.Flag("preload");
        arguments.RequireAllTaken();
        return (options, process == 0 ? null : process, preload);
    }

    private static (string Host, int Port) ParseEndpoint(string endpoint)
    {
        string text = endpoint.StartsWith("http://", StringComparison.Ordinal) ? endpoint["http://".Length..] : endpoint;
        int colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            ? (text[..colon].Trim('[', ']'), port)
            : throw new UsageException($"--endpoint {endpoint}: HOST:PORT is needed");
    }

    private static void Preload(LoadOptions options, CancellationToken cancellationToken)
    {
        LoadResult result = LoadGenerator.Run(options.ForPreload(), [], cancellationToken);
        if (result.Errors.Total > 0)
            throw new LoadFailedException($"preload: {result.Errors.MostFrequent.First().Key}");
    }

    private static void Print(LoadOptions options, LoadResult result)
    {
        string mode = options.Rate > 0 ? FormattableString.Invariant($"open loop at {options.Rate:0}/s") : "closed loop";
        LatencyHistogram latency = result.Latency;
        Console.WriteLine(FormattableString.Invariant($"""
            workload        {options.Workload.ToString().ToLowerInvariant()}, {options.Clients} clients on {options.ConnectionCount} connections, {mode}
            calls           {result.Calls} in {result.Elapsed.TotalSeconds:0.00} s
            calls/s         {result.CallsPerSecond:0}
            latency         p50 {latency.Percentile(50) / 1e6:0.000} ms, p99 {latency.Percentile(99) / 1e6:0.000} ms, p99.9 {latency.Percentile(99.9) / 1e6:0.000} ms, max {latency.Max / 1e6:0.000} ms
            generator CPU   {result.GeneratorMicrosecondsPerCall:0.0} us/call
            """));
        if (result.ServerMicrosecondsPerCall is double server)
            Console.WriteLine(FormattableString.Invariant($"server CPU      {server:0.0} us/call"));
        Console.WriteLine(FormattableString.Invariant($"other CPU       {result.OtherCpuShare * 100:0}% of the processors"));
        Console.WriteLine($"errors          {result.Errors.Total}");
        foreach ((string error, long count) in result.Errors.MostFrequent.Take(ErrorsShownMax))
            Console.WriteLine($"  {count}x {error}");
    }
}
