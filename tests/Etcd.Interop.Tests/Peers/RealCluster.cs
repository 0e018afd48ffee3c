using System.Net.Http.Json;
using System.Text;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Peers;

/// <summary>Three members of the real etcd, each reached by the others through a recorder. Started one by one.</summary>
internal sealed class RealCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-real-cluster-");
    private readonly Node[] _nodes = [.. Enumerable.Range(0, 3).Select(i => new Node($"m{i}"))];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>Between the others and each member.</summary>
    public IReadOnlyList<Recorder> Recorders => [.. _nodes.Select(n => n.Recorder).OfType<Recorder>()];

    public string ClientUrl(int member) => $"http://127.0.0.1:{_nodes[member].ClientPort}";

    /// <summary>What the others know.</summary>
    public string PeerUrl(int member) => $"http://127.0.0.1:{_nodes[member].PublicPeerPort}";

    public void Launch(int member, params string[] flags)
    {
        Node node = _nodes[member];
        node.Recorder ??= new Recorder(node.PublicPeerPort, node.PeerPort);
        node.Process = CapturedProcess.Start(RealEtcd.Server, [
            "--name", node.Name, "--data-dir", Path.Combine(_folder.FullName, node.Name), "--unsafe-no-fsync",
            "--listen-client-urls", ClientUrl(member), "--advertise-client-urls", ClientUrl(member),
            "--listen-peer-urls", $"http://127.0.0.1:{node.PeerPort}", "--initial-advertise-peer-urls", PeerUrl(member),
            "--initial-cluster", string.Join(',', _nodes.Select((n, i) => $"{n.Name}={PeerUrl(i)}")), .. flags]);
    }

    public async Task WaitAsync(int member, CancellationToken cancellation) => await _nodes[member].Process!.WaitUntilAsync(
        "health",
        async () =>
        {
            try
            {
                using HttpResponseMessage answer = await _http.GetAsync(new Uri(ClientUrl(member) + "/health"), cancellation);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        cancellation);

    /// <summary>Ends a member, and gives its place to another program: the others' connections go there.</summary>
    public async Task<int> ReplaceAsync(int member)
    {
        Node node = _nodes[member];
        await node.Process!.DisposeAsync();
        node.Process = null;
        await node.Recorder!.DisposeAsync();
        node.Recorder = null;
        return node.PublicPeerPort;
    }

    public async Task PutAsync(int member, string key, string value, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await PostAsync(member, "/v3/kv/put", new { key = Base64(key), value = Base64(value) }, cancellation);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellation));
    }

    public async Task<HttpResponseMessage> PostAsync(int member, string path, object body, CancellationToken cancellation) =>
        await _http.PostAsJsonAsync(new Uri(ClientUrl(member) + path), body, cancellation);

    public async Task<string> MetricsAsync(int member, CancellationToken cancellation) =>
        await _http.GetStringAsync(new Uri(ClientUrl(member) + "/metrics"), cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (Node node in _nodes)
        {
            if (node.Process is not null)
            {
                await node.Process.DisposeAsync();
            }

            if (node.Recorder is not null)
            {
                await node.Recorder.DisposeAsync();
            }
        }

        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private sealed class Node(string name)
    {
        public string Name => name;

        public int ClientPort { get; } = FreePorts.Take();

        public int PeerPort { get; } = FreePorts.Take();

        public int PublicPeerPort { get; } = FreePorts.Take();

        public CapturedProcess? Process { get; set; }

        public Recorder? Recorder { get; set; }
    }
}
