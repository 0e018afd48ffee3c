using System.Diagnostics;
using System.Text;

namespace Etcd.TestKit.Processes;

/// <summary>
/// A started program whose output is kept. Its disposal kills it if it still runs, and waits for its end. Members may be
/// used from any thread.
/// </summary>
public sealed class CapturedProcess : IAsyncDisposable
{
    /// <summary>How long tests wait for what a healthy machine does at once.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly StringBuilder _stdout = new();
    private readonly StringBuilder _stderr = new();

    private CapturedProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(_stdout, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(_stderr, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The lines of both outputs so far, in the order of arrival.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The lines of stdout so far.</summary>
    public IReadOnlyList<string> StdoutLines
    {
        get
        {
            lock (_gate)
            {
                return _stdout.Length == 0 ? [] : _stdout.ToString()[..^1].Split('\n');
            }
        }
    }

    /// <summary>Starts the program. Of this process's environment it inherits all but the ETCD variables.</summary>
    /// <param name="executable">The file.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set in addition.</param>
    /// <param name="input">What it reads from stdin, which ends after that.</param>
    /// <param name="folder">Its working folder; this process's if null.</param>
    /// <param name="keepsInput">Whether stdin does not end: <see cref="Write"/> goes on with it.</param>
    public static CapturedProcess Start(
        string executable,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string input = "",
        string? folder = null,
        bool keepsInput = false)
    {
        var start = new ProcessStartInfo(executable)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string name in start.Environment.Keys.Where(n => n.StartsWith("ETCD", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var captured = new CapturedProcess(Process.Start(start)!);
        captured.Feed(input, keepsInput);
        return captured;
    }

    /// <summary>Runs the program to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in <see cref="Patience"/>; it was killed.</exception>
    public static async Task<CommandResult> RunAsync(
        string executable,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string input = "",
        string? folder = null,
        CancellationToken cancellation = default)
    {
        await using CapturedProcess process = Start(executable, arguments, environment, input, folder);
        return await process.WaitForExitAsync(cancellation);
    }

    /// <summary>Writes to its stdin, if that was kept open.</summary>
    public void Write(string input) => Feed(input, keepsOpen: true);

    /// <summary>Ends its stdin, if that was kept open.</summary>
    public void EndInput() => Feed("", keepsOpen: false);

    /// <summary>Sends it a signal.</summary>
    public void Send(Signal signal) => Signals.Send(_process, signal);

    /// <summary>Waits for its end and the end of its output.</summary>
    /// <exception cref="TimeoutException">It did not end in <see cref="Patience"/>.</exception>
    public async Task<CommandResult> WaitForExitAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{Describe()} did not end; its output:\n{string.Join('\n', Lines)}");
        }

        lock (_gate)
        {
            return new CommandResult(_process.ExitCode, _stdout.ToString(), _stderr.ToString());
        }
    }

    /// <summary>Waits until the condition holds.</summary>
    /// <exception cref="TimeoutException">It did not in <see cref="Patience"/>, or the process ended before; says what was waited for.</exception>
    public async Task WaitUntilAsync(string what, Func<ValueTask<bool>> holds, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            bool ended = HasExited;
            if (await holds())
            {
                return;
            }

            if (ended || Stopwatch.GetElapsedTime(started) > Patience)
            {
                string fate = ended ? $"ended with exit code {_process.ExitCode}" : "still runs";
                throw new TimeoutException($"{Describe()} {fate}, waited for {what}; its output:\n{string.Join('\n', Lines)}");
            }

            await Task.Delay(PollInterval, cancellation);
        }
    }

    /// <summary>Waits until a line of either output contains the text.</summary>
    public Task WaitForLineAsync(string text, CancellationToken cancellation) =>
        WaitUntilAsync($"a line with \"{text}\"", () => new(Lines.Any(l => l.Contains(text, StringComparison.Ordinal))), cancellation);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private string Describe() => Path.GetFileName(_process.StartInfo.FileName) + " " + string.Join(' ', _process.StartInfo.ArgumentList);

    private void Feed(string input, bool keepsOpen)
    {
        try
        {
            _process.StandardInput.Write(input);
            _process.StandardInput.Flush();
            if (!keepsOpen)
            {
                _process.StandardInput.Close();
            }
        }
        catch (IOException)
        {
            // It ended without reading: what it has to say is in its output.
        }
    }

    private void Keep(StringBuilder output, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _lines.Add(line);
            output.Append(line).Append('\n');
        }
    }
}
