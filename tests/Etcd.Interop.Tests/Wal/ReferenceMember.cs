using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Wal;

/// <summary>
/// A single member of the real etcd on a given data folder, spoken to over its JSON gateway. Ends with the test. Where the
/// real etcd is not installed the test is skipped, or fails where ETCD_INTEROP is "required".
/// </summary>
internal sealed class ReferenceMember : IAsyncDisposable
{
    private readonly ServerProcess _server;
    private readonly HttpClient _http;

    private ReferenceMember(string dataFolder)
    {
        _server = ServerProcess.Create(ServerProgram.Real, "--data-dir", dataFolder);
        _http = new HttpClient { BaseAddress = new Uri(_server.ClientUrl) };
    }

    /// <summary>Starts it and waits until it serves.</summary>
    public static async Task<ReferenceMember> StartAsync(string dataFolder, CancellationToken cancellation)
    {
        RealEtcd.Require();
        var member = new ReferenceMember(dataFolder);
        try
        {
            await member._server.StartAsync(cancellation);
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
    public Task KillAsync(CancellationToken cancellation) => _server.KillAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
