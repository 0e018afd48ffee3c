using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Etcd.Interop.Tests.Wal;

/// <summary>
/// A single member of the real etcd on free ports and a given data folder, spoken to over its JSON gateway. Ends with the
/// test. Where the real etcd is not installed the test is skipped, or fails where ETCD_INTEROP is "required".
/// </summary>
internal sealed class ReferenceMember : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly HttpClient _http;
    private readonly StringBuilder _log = new();

    private ReferenceMember(Process process, Uri address)
    {
        _process = process;
        _http = new HttpClient { BaseAddress = address };
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Starts it and waits until it serves.</summary>
    public static async Task<ReferenceMember> StartAsync(string dataFolder, CancellationToken cancellation)
    {
        string client = "http://127.0.0.1:" + FreePort();
        string peer = "http://127.0.0.1:" + FreePort();
        ProcessStartInfo start = new(Find())
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                "--data-dir", dataFolder,
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", "default=" + peer,
            },
        };
        ReferenceMember member = new(Process.Start(start)!, new Uri(client));
        try
        {
            await member.WaitUntilServingAsync(cancellation);
            return member;
        }
        catch
        {
            await member.DisposeAsync();
            throw;
        }
    }

    public async Task PutAsync(string key, string value, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync("/v3/kv/put", new { key = Base64(key), value = Base64(value) }, cancellation);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The key's value, or null if it is not there.</summary>
    public async Task<string?> GetAsync(string key, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync("/v3/kv/range", new { key = Base64(key) }, cancellation);
        answer.EnsureSuccessStatusCode();
        JsonElement body = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return body.TryGetProperty("kvs", out JsonElement found)
            ? Encoding.UTF8.GetString(found[0].GetProperty("value").GetBytesFromBase64())
            : null;
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
    }

    private static string Find()
    {
        string folder = Environment.GetEnvironmentVariable("ETCD_REFERENCE")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "etcd-reference");
        string path = Path.Combine(folder, "etcd");
        if (!File.Exists(path))
        {
            Assert.False(Environment.GetEnvironmentVariable("ETCD_INTEROP") == "required", "the real etcd is not there: run .ci/get-etcd");
            Assert.Skip("run .ci/get-etcd");
        }

        return path;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private async Task WaitUntilServingAsync(CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await IsServingAsync(cancellation))
        {
            Assert.False(_process.HasExited, "the real etcd ended:\n" + Log);
            Assert.True(Stopwatch.GetElapsedTime(started) < StartDeadline, "the real etcd does not serve:\n" + Log);
            await Task.Delay(50, cancellation);
        }
    }

    private async Task<bool> IsServingAsync(CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync("/health", cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
        {
            _log.AppendLine(line.Data);
        }
    }
}
