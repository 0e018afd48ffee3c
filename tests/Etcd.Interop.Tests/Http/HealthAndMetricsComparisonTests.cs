using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Http;

/// <summary>
/// Goal: health endpoints and metrics are etcd's. Method: the same GETs to the real etcd and to ours; of the metrics, names, types, helps
/// and labels are compared.
/// </summary>
public sealed partial class HealthAndMetricsComparisonTests
{
    /// <summary>Families that the real 3.5.16 has and we do not, by prefix, each with the reason.</summary>
    private static readonly (string Prefix, string Reason)[] LeftOut =
    [
        ("go_", "Go's runtime"),
        ("promhttp_", "Go's exporter"),
        ("etcd_server_go_version", "Go's version"),
        ("etcd_debugging_store_", "the store of etcd 2, which 3.7 does not have either"),
        ("etcd_debugging_disk_backend_commit_", "parts of a commit to bbolt, which is not the store here"),
        ("etcd_debugging_mvcc_db_compaction_", "parts of a compaction in bbolt"),
        ("etcd_debugging_mvcc_index_compaction_", "a pause that there is not: the index is copied on write"),
        ("etcd_debugging_mvcc_range_total", "an old name that 3.7 does not have either"),
        ("etcd_grpc_proxy_", "there is no proxy"),
        ("etcd_debugging_mvcc_pending_events_total", "what waits is counted in bytes, by stream"),
        ("etcd_debugging_snap_", "parts of saving a snapshot"),
        ("etcd_snap_fsync_duration_seconds", "the sync of a file of a few hundred bytes"),
        ("etcd_mvcc_db_open_read_transactions", "bbolt's transactions"),
        ("process_virtual_memory_max_bytes", "a limit of Go's that .NET does not tell"),
        ("process_network_", "counts of the whole machine"),
    ];

    /// <summary>Families that are new since 3.5.16 and in 3.7.1.</summary>
    private static readonly string[] New =
    [
        "etcd_server_request_duration_seconds", "etcd_server_range_duration_seconds", "etcd_server_client_requests_total",
        "etcd_debugging_server_watch_send_loop_", "etcd_network_server_stream_failures_total", "etcd_server_feature_enabled",
        // The real one shows it after a restart only.
        "etcd_network_known_peers",
        // It does not check what it reads.
        "etcd_store_",
        "etcd_debugging_watch_apply_",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_checks_answer_as_etcds()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var http = new HttpClient();
        foreach (string path in new[]
        {
            "/health", "/health?serializable=true", "/health?exclude=NOSPACE", "/livez", "/livez?verbose", "/livez/serializable_read",
            "/livez/serializable_read?verbose", "/livez?verbose&exclude=serializable_read", "/livez/nothing", "/livez/", "/readyz",
            "/readyz/data_corruption", "/readyz/serializable_read?verbose", "/readyz/linearizable_read?verbose", "/readyz/nothing", "/Health",
        })
        {
            string expected = await GetAsync(http, etcd.ClientUrl + path);
            Assert.Equal((path, expected), (path, await GetAsync(http, ours.ClientUrl + path)));
        }

        // The order of the checks is any in etcd, and the last one is new in 3.6.
        string[] lines = (await http.GetStringAsync(etcd.ClientUrl + "/readyz?verbose", Token)).Split('\n');
        string[] own = (await http.GetStringAsync(ours.ClientUrl + "/readyz?verbose", Token)).Split('\n');
        Assert.Equal(lines.Order(StringComparer.Ordinal), own.Where(l => l != "[+]non_learner ok").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Metrics_have_etcds_names_types_helps_and_labels()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, ["--metrics", "extensive"], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--metrics", "extensive"], Token);
        SortedDictionary<string, string> expected = await FamiliesAsync(etcd);
        SortedDictionary<string, string> actual = await FamiliesAsync(ours);

        Assert.DoesNotContain(expected.Keys, name => !actual.ContainsKey(name) && !IsLeftOut(name));
        Assert.DoesNotContain(actual.Keys, IsLeftOut);
        Assert.DoesNotContain(actual.Keys, name => !expected.ContainsKey(name) && !New.Any(n => name.StartsWith(n, StringComparison.Ordinal)));
        foreach ((string name, string shape) in actual.Where(family => expected.ContainsKey(family.Key)))
        {
            Assert.Equal((name, expected[name]), (name, shape));
        }
    }

    [Fact]
    public async Task Metrics_have_an_address_of_their_own()
    {
        string url = $"http://127.0.0.1:{FreePorts.Take()}";
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--listen-metrics-urls", url], Token);
        using var http = new HttpClient();

        Assert.Equal("ok\n", await http.GetStringAsync(url + "/readyz", Token));
        Assert.Contains("etcd_server_has_leader 1", await http.GetStringAsync(url + "/metrics", Token), StringComparison.Ordinal);
        Assert.Equal(404, (int)(await http.GetAsync(url + "/version", Token)).StatusCode);
        await ours.Process.WaitForLineAsync("serving metrics", Token);
        CommandResult ended = await ours.TerminateAsync(Token);
        Assert.Equal(0, ended.ExitCode);
    }

    private static bool IsLeftOut(string name) => LeftOut.Any(l => name.StartsWith(l.Prefix, StringComparison.Ordinal));

    private static async Task<string> GetAsync(HttpClient http, string url)
    {
        using HttpResponseMessage answer = await http.GetAsync(url, Token);
        return $"{(int)answer.StatusCode} {answer.Content.Headers.ContentType} {answer.Headers.Contains("X-Content-Type-Options")}\n"
            + await answer.Content.ReadAsStringAsync(Token);
    }

    /// <summary>Each family with its type, help, label names and, where they are few, bucket bounds; after the same few calls.</summary>
    private static async Task<SortedDictionary<string, string>> FamiliesAsync(ServerProcess server)
    {
        foreach (string[] command in new string[][] { ["put", "k", "v"], ["get", "k"], ["del", "k"], ["endpoint", "hashkv"] })
        {
            await EtcdCtl.RunAsync(server.Endpoint, command, Token);
        }

        using var http = new HttpClient();
        await http.GetStringAsync(server.ClientUrl + "/readyz", Token);
        string page = await http.GetStringAsync(server.ClientUrl + "/metrics", Token);
        var families = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string name = "";
        foreach (string line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                name = line.Split(' ')[2];
                families[name] = line;
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                families[name] += "\n" + line;
            }
            else
            {
                string labels = string.Join(',', LabelName().Matches(line).Select(m => m.Groups[1].Value));
                string bound = LabelBound().Match(line).Value;
                if (!families[name].Contains($"\n{labels} {bound};", StringComparison.Ordinal))
                {
                    families[name] += $"\n{labels} {bound};";
                }
            }
        }

        return families;
    }

    [GeneratedRegex("([A-Za-z_]+)=\"")]
    private static partial Regex LabelName();

    [GeneratedRegex("""(?<=le=")[^"]+""")]
    private static partial Regex LabelBound();
}
