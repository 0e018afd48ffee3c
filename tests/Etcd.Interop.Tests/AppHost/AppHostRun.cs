using System.Collections.Concurrent;
using System.Diagnostics;

namespace Etcd.Interop.Tests.AppHost;

/// <summary>The AppHost as a process, with a cluster name of its own. Disposing it ends it and deletes what it stored.</summary>
internal sealed class AppHostRun : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private AppHostRun(Process process, string cluster)
    {
        _process = process;
        Cluster = cluster;
    }

    public string Cluster { get; }

    public int Id => _process.Id;

    public IEnumerable<string> Output => _output;

    public static string DataOf(string cluster) => Path.Combine(Projects.AppHost.ProjectPath, ".data", cluster);

    public static string NewCluster() => $"test-{Guid.NewGuid():N}";

    /// <summary>Starts the AppHost without samples; <paramref name="cluster"/> is deleted in the end.</summary>
    public static AppHostRun Start(string cluster, int portBase, params string[] arguments) =>
        StartWithSamples(cluster, portBase, [.. arguments, "--no-samples"]);

    /// <summary>Starts the AppHost as a user does; <paramref name="cluster"/> is deleted in the end.</summary>
    public static AppHostRun StartWithSamples(string cluster, int portBase, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] all =
            [typeof(Projects.AppHost).Assembly.Location, "--cluster", cluster, "--port-base", $"{portBase}", .. arguments];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        var run = new AppHostRun(new Process { StartInfo = start }, cluster);
        run._process.OutputDataReceived += (_, e) => run.Add(e.Data);
        run._process.ErrorDataReceived += (_, e) => run.Add(e.Data);
        run._process.Start();
        run._process.BeginOutputReadLine();
        run._process.BeginErrorReadLine();
        return run;
    }

    /// <summary>Waits for a line, the given number of times.</summary>
    public async Task<string> LineAsync(Func<string, bool> isIt, int times = 1)
    {
        var since = Stopwatch.StartNew();
        while (since.Elapsed < s_patience)
        {
            if (_output.Where(isIt).Take(times).ToArray() is { } found && found.Length == times)
            {
                return found[^1];
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException($"The line did not come. The output was:{Environment.NewLine}{string.Join(Environment.NewLine, _output)}");
    }

    /// <summary>Types a line.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a signal to the AppHost alone.</summary>
    public Task SignalAsync(string signal) => SignalAsync(signal, Id);

    public static async Task SignalAsync(string signal, int pid)
    {
        using var kill = Process.Start("/bin/kill", ["-s", signal, $"{pid}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    public async Task<int> ExitCodeAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await SignalAsync("TERM");
            if (!_process.WaitForExit(s_patience))
            {
                _process.Kill();
            }
        }

        _process.Dispose();
        if (Directory.Exists(DataOf(Cluster)))
        {
            Directory.Delete(DataOf(Cluster), recursive: true);
        }
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            _output.Enqueue(line);
        }
    }
}
