using System.Net;
using System.Text;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Peers;

/// <summary>Reads what other members answer.</summary>
internal static class PeerAnswers
{
    private const int RefusalBytesMax = 4096;

    /// <summary>Reads a body of bounded length.</summary>
    /// <exception cref="HttpRequestException">It is longer.</exception>
    public static async Task<byte[]> ReadAsync(HttpResponseMessage answer, int bytesMax, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        using Stream from = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var piece = new byte[16 * 1024];
        int read;
        while ((read = await from.ReadAsync(piece, cancellation).ConfigureAwait(false)) > 0)
        {
            if (body.Length + read > bytesMax)
            {
                throw new HttpRequestException($"response body exceeds {bytesMax} bytes limit");
            }

            body.Write(piece, 0, read);
        }

        return body.ToArray();
    }

    /// <summary>Tells why another member refuses this one (status 412), and returns the text for the failure.</summary>
    public static async Task<string> RefusalAsync(PeerContext context, MemberId member, HttpResponseMessage answer, CancellationToken cancellation) =>
        Refusal(context, member, answer, await TextAsync(answer, cancellation).ConfigureAwait(false));

    /// <summary>Whether a message that was posted was taken; otherwise the exception says why not.</summary>
    /// <exception cref="HttpRequestException">It was not.</exception>
    public static async Task CheckPostAsync(PeerContext context, MemberId member, HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (!IsTaken(answer))
        {
            throw PostFailure(context, member, answer, await TextAsync(answer, cancellation).ConfigureAwait(false));
        }
    }

    /// <summary>As <see cref="CheckPostAsync"/>, for a thread that may block.</summary>
    /// <exception cref="HttpRequestException">It was not taken.</exception>
    public static void CheckPost(PeerContext context, MemberId member, HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (IsTaken(answer))
        {
            return;
        }

        using Stream body = answer.Content.ReadAsStream(cancellation);
        var text = new byte[RefusalBytesMax];
        throw PostFailure(context, member, answer, Text(text.AsSpan(0, body.ReadAtLeast(text, text.Length, throwOnEndOfStream: false))));
    }

    private static bool IsTaken(HttpResponseMessage answer) => answer.StatusCode == HttpStatusCode.NoContent;

    /// <summary>A short text without the line's end that Go puts behind errors.</summary>
    private static async Task<string> TextAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        Text(await ReadAsync(answer, RefusalBytesMax, cancellation).ConfigureAwait(false));

    private static string Text(ReadOnlySpan<byte> body) => Encoding.UTF8.GetString(body).TrimEnd('\n');

    private static string Refusal(PeerContext context, MemberId member, HttpResponseMessage answer, string text)
    {
        switch (text)
        {
            case PeerAdmission.IncompatibleVersion:
                PeerLog.OtherVersion(context.Log, member.ToString());
                return text;
            case PeerAdmission.ClusterMismatch:
                string theirs = answer.Headers.TryGetValues(PeerHeaders.ClusterId, out IEnumerable<string>? values) ? values.First() : "";
                PeerLog.OtherCluster(context.Log, member.ToString(), theirs, context.Identity.ClusterText);
                return text;
            default:
                return $"unhandled error \"{text}\" when precondition failed";
        }
    }

    private static HttpRequestException PostFailure(PeerContext context, MemberId member, HttpResponseMessage answer, string text)
    {
        switch (answer.StatusCode)
        {
            case HttpStatusCode.PreconditionFailed:
                return new HttpRequestException(Refusal(context, member, answer, text));
            // The other text with this status says that another member lives at this URL, which does not end this one.
            case HttpStatusCode.Forbidden when text.Contains("removed member", StringComparison.Ordinal):
                context.Options.OnRemoved();
                return new HttpRequestException(EtcdMember.RemovedText);
            case HttpStatusCode.Forbidden:
                return new HttpRequestException(text);
            default:
                return new HttpRequestException(
                    $"unexpected http status {answer.ReasonPhrase} while posting to \"{answer.RequestMessage?.RequestUri}\"");
        }
    }
}
