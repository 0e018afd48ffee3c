using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Leasepb;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Member = Etcd.Server.Membership.Member;

namespace Etcd.Server.Hosting.Peers;

/// <summary>Requests to other members over HTTP.</summary>
/// <param name="http">Connections.</param>
/// <param name="self">Who asks.</param>
internal sealed class PeerCalls(PeerHttp http, PeerIdentity self) : IPeerCalls
{
    /// <inheritdoc/>
    public Task<long> RenewAsync(IReadOnlyList<string> leaderUrls, LeaseId lease, CancellationToken cancellation) => FirstAsync(
        leaderUrls,
        async url =>
        {
            byte[] answer = await PostLeaseAsync(url, PeerPaths.Leases, new LeaseKeepAliveRequest { ID = lease.Value }, cancellation).ConfigureAwait(false);
            LeaseKeepAliveResponse renewed = LeaseKeepAliveResponse.Parser.ParseFrom(answer);
            return renewed.ID == lease.Value ? renewed.TTL : throw new PeerCallException("lease: renew id mismatch");
        },
        cancellation);

    /// <inheritdoc/>
    public Task<PeerLease> LeaseTimeToLiveAsync(
        IReadOnlyList<string> leaderUrls, LeaseId lease, bool withKeys, CancellationToken cancellation) => FirstAsync(
        leaderUrls,
        async url =>
        {
            var question = new LeaseInternalRequest { LeaseTimeToLiveRequest = new LeaseTimeToLiveRequest { ID = lease.Value, Keys = withKeys } };
            byte[] body = await PostLeaseAsync(url, PeerPaths.LeasesInternal, question, cancellation).ConfigureAwait(false);
            LeaseTimeToLiveResponse? answer = LeaseInternalResponse.Parser.ParseFrom(body).LeaseTimeToLiveResponse;
            return answer?.ID == lease.Value
                ? new PeerLease(answer.TTL, answer.GrantedTTL, [.. answer.Keys.Select(k => k.Memory)])
                : throw new PeerCallException("lease: TTL id mismatch");
        },
        cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Member>> PromoteAsync(
        IReadOnlyList<string> leaderUrls, MemberId learner, string? token, CancellationToken cancellation) => FirstAsync(
        leaderUrls,
        async url =>
        {
            string path = PeerPaths.Promote + learner.Value.ToString(CultureInfo.InvariantCulture);
            using HttpRequestMessage request = http.NewRequest(HttpMethod.Post, url, path);
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", token);
            }

            (int status, byte[] body, _) = await SendAsync(request, cancellation).ConfigureAwait(false);
            string text = status == 200 ? "" : Encoding.UTF8.GetString(body);
            return status switch
            {
                200 => PeerJson.ReadMembers(body),
                404 => throw EtcdErrors.MemberNotFound.ToException(),
                408 => throw EtcdErrors.Timeout.ToException(),
                412 when text.Contains(EtcdErrors.LearnerNotReady.Text, StringComparison.Ordinal) => throw EtcdErrors.LearnerNotReady.ToException(),
                412 when text.Contains("can only promote a learner member", StringComparison.Ordinal) => throw EtcdErrors.MemberNotLearner.ToException(),
                _ => throw new PeerCallException($"member promote: unknown error({text.TrimEnd('\n')})"),
            };
        },
        cancellation);

    /// <inheritdoc/>
    public Task<PeerHash> HashKvAsync(IReadOnlyList<string> urls, long revision, CancellationToken cancellation) => FirstAsync(
        urls,
        async url =>
        {
            using HttpRequestMessage request = http.NewRequest(HttpMethod.Get, url, PeerPaths.HashKv);
            request.Headers.TryAddWithoutValidation(PeerHeaders.ClusterId, self.ClusterText);
            request.Content = new ByteArrayContent(PeerJson.HashRequest(revision));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            (int status, byte[] body, _) = await SendAsync(request, cancellation).ConfigureAwait(false);
            string text = status == 200 ? "" : Encoding.UTF8.GetString(body);
            return status switch
            {
                200 => PeerJson.ReadHash(body),
                400 when text.Contains("required revision has been compacted", StringComparison.Ordinal) => throw EtcdErrors.Compacted.ToException(),
                400 when text.Contains("required revision is a future revision", StringComparison.Ordinal) => throw EtcdErrors.FutureRevision.ToException(),
                412 when text.Contains(PeerAdmission.ClusterMismatch, StringComparison.Ordinal) => throw EtcdErrors.ClusterIdMismatch.ToException(),
                _ => throw new PeerCallException($"unknown error: {text.TrimEnd('\n')}"),
            };
        },
        cancellation);

    /// <inheritdoc/>
    public Task<PeerMembers> MembersAsync(IReadOnlyList<string> urls, CancellationToken cancellation) => FirstAsync(
        urls,
        async url =>
        {
            (byte[] body, HttpResponseHeaders headers) = await GetAsync(url, PeerPaths.Members, cancellation).ConfigureAwait(false);
            string? cluster = headers.TryGetValues(PeerHeaders.ClusterId, out IEnumerable<string>? values) ? values.First() : null;
            IReadOnlyList<Member> members = PeerJson.ReadMembers(body);
            return PeerIdentity.TryParseId(cluster, out MemberId id) && members.Count > 0
                ? new PeerMembers(id.Value, members)
                : throw new PeerCallException("failed to get raft cluster member(s) from the given URLs");
        },
        cancellation);

    /// <inheritdoc/>
    public Task<PeerVersions> VersionAsync(IReadOnlyList<string> urls, CancellationToken cancellation) => FirstAsync(
        urls,
        async url => PeerJson.ReadVersions((await GetAsync(url, PeerPaths.Version, cancellation).ConfigureAwait(false)).Body),
        cancellation);

    /// <inheritdoc/>
    public Task<bool> IsDowngradeEnabledAsync(IReadOnlyList<string> urls, CancellationToken cancellation) => FirstAsync(
        urls,
        async url =>
        {
            (byte[] body, _) = await GetAsync(url, PeerPaths.DowngradeEnabled, cancellation).ConfigureAwait(false);
            return bool.TryParse(Encoding.UTF8.GetString(body), out bool enabled)
                ? enabled
                : throw new PeerCallException("failed to convert response");
        },
        cancellation);

    /// <inheritdoc/>
    public Task<PeerState> StateAsync(IReadOnlyList<string> urls, CancellationToken cancellation) => FirstAsync(
        urls,
        async url =>
        {
            using HttpRequestMessage request = http.NewRequest(HttpMethod.Get, url, PeerPaths.State, self);
            // Not more than the head is waited for.
            HttpResponseMessage answer = await http.Requests.SendAsync(request, cancellation).ConfigureAwait(false);
            try
            {
                if ((int)answer.StatusCode != 200)
                {
                    byte[] body = await PeerAnswers.ReadAsync(answer, Limits.PeerAnswerBytesMax, cancellation).ConfigureAwait(false);
                    throw new PeerCallException($"unexpected http status {(int)answer.StatusCode} from {url}{PeerPaths.State}: {Encoding.UTF8.GetString(body).TrimEnd('\n')}");
                }

                return new PeerState(
                    new LogIndex(Number(answer.Headers, PeerHeaders.StateIndex)),
                    new Term(Number(answer.Headers, PeerHeaders.StateTerm)),
                    await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false),
                    answer);
            }
            catch
            {
                answer.Dispose();
                throw;
            }
        },
        cancellation);

    private static ulong Number(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out IEnumerable<string>? values)
        && ulong.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number > 0
            ? number
            : throw new PeerCallException($"the answer has no {name}");

    /// <summary>Tries the URLs in turn. What a member refuses is its answer; only what cannot be had is tried elsewhere.</summary>
    private static async Task<T> FirstAsync<T>(IReadOnlyList<string> urls, Func<string, Task<T>> call, CancellationToken cancellation)
    {
        Exception? last = null;
        foreach (string url in urls)
        {
            try
            {
                return await call(url).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or JsonException or InvalidProtocolBufferException or FormatException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
                last = e;
            }
        }

        cancellation.ThrowIfCancellationRequested();
        throw last as PeerCallException ?? new PeerCallException(last is null ? "no URL to ask" : PeerContext.Reason(last), last);
    }

    private async Task<byte[]> PostLeaseAsync(string url, string path, IMessage question, CancellationToken cancellation)
    {
        using HttpRequestMessage request = http.NewRequest(HttpMethod.Post, url, path);
        request.Content = new ByteArrayContent(question.ToByteArray());
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");
        (int status, byte[] body, _) = await SendAsync(request, cancellation).ConfigureAwait(false);
        return status switch
        {
            200 => body,
            404 => throw EtcdErrors.LeaseNotFound.ToException(),
            408 => throw EtcdErrors.TimeoutWaitAppliedIndex.ToException(),
            _ => throw new PeerCallException($"lease: unknown error({Encoding.UTF8.GetString(body).TrimEnd('\n')})"),
        };
    }

    private async Task<(byte[] Body, HttpResponseHeaders Headers)> GetAsync(string url, string path, CancellationToken cancellation)
    {
        using HttpRequestMessage request = http.NewRequest(HttpMethod.Get, url, path);
        (int status, byte[] body, HttpResponseHeaders headers) = await SendAsync(request, cancellation).ConfigureAwait(false);
        return status == 200
            ? (body, headers)
            : throw new PeerCallException($"unexpected http status {status} from {url}{path}: {Encoding.UTF8.GetString(body).TrimEnd('\n')}");
    }

    private async Task<(int Status, byte[] Body, HttpResponseHeaders Headers)> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await http.Requests.SendAsync(request, cancellation).ConfigureAwait(false);
        byte[] body = await PeerAnswers.ReadAsync(answer, Limits.PeerAnswerBytesMax, cancellation).ConfigureAwait(false);
        return ((int)answer.StatusCode, body, answer.Headers);
    }
}
