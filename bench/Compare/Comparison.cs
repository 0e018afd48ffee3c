using System.Globalization;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>
/// Runs the sides in turn, pass by pass, each time with a fresh server: start, put every key, warm up, all cells, stop.
/// Only one side's server, or cluster, lives at a time. The load offered in fixed cells is half of the most that etcd did in its first
/// pass, and the same for all.
/// </summary>
internal sealed class Comparison(CompareOptions options, IReadOnlyList<Side> sides)
{
    private const int WarmUpClients = 100;
    private const int MaximumClients = 1000;
    private static readonly TimeSpan WarmUpSlice = TimeSpan.FromSeconds(1);

    private readonly Dictionary<WorkloadKind, double> _rates = new(options.Rates);

    public IReadOnlyDictionary<WorkloadKind, double> Rates => _rates;

    public void Run(CancellationToken cancellationToken)
    {
        for (int pass = 1; pass <= options.Passes; pass++)
        {
            foreach (Side side in sides)
                RunSide(side, pass, cancellationToken);
        }
    }

    private void RunSide(Side side, int pass, CancellationToken cancellationToken)
    {
        using RunningServer server = RunningServer.StartHealthy(side, options.Members, options.WorkFolder, $"{side.Name}-{pass}", cancellationToken);
        try
        {
            Console.WriteLine($"pass {pass}, {side.Name} (processes {string.Join(", ", server.ProcessIds)})");
            WarmUp(server, cancellationToken);
            foreach (Cell cell in options.Cells)
            {
                LoadResult result = RunCell(server, side, cell, cancellationToken);
                var measurement = Measurement.From(result, server.ProcessIds.Sum(ProcessFacts.ResidentBytes));
                side.Add(cell, measurement);
                Print(cell, measurement, result.Errors);
            }
        }
        catch (LoadFailedException exception)
        {
            throw server.Explain($"{side.Name}: {exception.Message}");
        }
        catch (IOException)
        {
            throw server.Explain($"{side.Name}: the process is gone");
        }
    }

    // Both kinds of call by turns, so that a just-in-time compiler sees and settles both.
    private void WarmUp(RunningServer server, CancellationToken cancellationToken)
    {
        LoadOptions load = options.Load with { Ports = server.Ports(options.Target) };
        RequireNoErrors(LoadGenerator.Run(load.ForPreload(), [], cancellationToken));
        load = load with { Clients = WarmUpClients, Ramp = TimeSpan.Zero, Duration = WarmUpSlice };
        var kind = WorkloadKind.Put;
        for (TimeSpan done = TimeSpan.Zero; done < options.WarmUp; done += WarmUpSlice)
        {
            RequireNoErrors(LoadGenerator.Run(load with { Workload = kind }, [], cancellationToken));
            kind = kind == WorkloadKind.Put ? WorkloadKind.Range : WorkloadKind.Put;
        }
    }

    private LoadResult RunCell(RunningServer server, Side side, Cell cell, CancellationToken cancellationToken)
    {
        LoadOptions load = options.Load with { Ports = server.Ports(options.Target), Workload = cell.Workload, Clients = cell.Clients };
        if (cell.FixedLoad)
            load = load with { Rate = FixedRate(server, side, cell.Workload, cancellationToken) };
        return LoadGenerator.Run(load, server.ProcessIds, cancellationToken);
    }

    private double FixedRate(RunningServer server, Side side, WorkloadKind workload, CancellationToken cancellationToken)
    {
        if (!_rates.TryGetValue(workload, out double rate))
        {
            rate = Math.Round(Maximum(server, side, workload, cancellationToken) / 2);
            _rates.Add(workload, rate);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  fixed load of {workload}: {rate:0}/s"));
        }
        return rate;
    }

    private double Maximum(RunningServer server, Side side, WorkloadKind workload, CancellationToken cancellationToken)
    {
        double[] measured = [.. side.Passes
            .Where(entry => entry.Key.Workload == workload && !entry.Key.FixedLoad && entry.Key.Clients > 1)
            .Select(entry => entry.Value[0].CallsPerSecond)];
        if (measured.Length > 0)
            return measured.Max();
        LoadOptions load = options.Load with { Ports = server.Ports(options.Target), Workload = workload, Clients = MaximumClients };
        return LoadGenerator.Run(load, server.ProcessIds, cancellationToken).CallsPerSecond;
    }

    private static void RequireNoErrors(LoadResult result)
    {
        if (result.Errors.Total > 0)
            throw new LoadFailedException($"warm-up: {result.Errors.Total} errors, such as: {result.Errors.MostFrequent.First().Key}");
    }

    private static void Print(Cell cell, Measurement m, ErrorTally errors)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {cell.Name,-46}{m.CallsPerSecond,9:0}/s  p50 {m.P50Milliseconds,8:0.000} ms  p99 {m.P99Milliseconds,8:0.000} ms  server {m.ServerMicrosecondsPerCall,6:0.0} us  generator {m.GeneratorMicrosecondsPerCall,5:0.0} us  RSS {m.ResidentMebibytes,5:0} MiB  others {m.OtherCpuPercent,3:0}%"));
        foreach ((string error, long count) in errors.MostFrequent)
            Console.WriteLine($"    {count} errors: {error}");
    }
}
