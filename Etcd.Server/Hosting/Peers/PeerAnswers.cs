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

    /// <summary>Reads a short text without the line's end that Go puts behind errors.</summary>
    public static async Task<string> TextAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        Encoding.UTF8.GetString(await ReadAsync(answer, RefusalBytesMax, cancellation).ConfigureAwait(false)).TrimEnd('\n');

    /// <summary>Tells why another member refuses this one (status 412), and returns the text for the failure.</summary>
    public static async Task<string> RefusalAsync(PeerContext context, MemberId member, HttpResponseMessage answer, CancellationToken cancellation)
    {
        string text = await TextAsync(answer, cancellation).ConfigureAwait(false);
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

    /// <summary>Whether a message that was posted was taken; otherwise the exception says why not.</summary>
    /// <exception cref="HttpRequestException">It was not.</exception>
    public static async Task CheckPostAsync(PeerContext context, MemberId member, HttpResponseMessage answer, CancellationToken cancellation)
    {
        switch ((int)answer.StatusCode)
        {
            case 204:
                return;
            case 412:
                throw new HttpRequestException(await RefusalAsync(context, member, answer, cancellation).ConfigureAwait(false));
            case 403:
                string text = await TextAsync(answer, cancellation).ConfigureAwait(false);
                // The other text with this status says that another member lives at this URL, which does not end this one.
                if (text.Contains("removed member", StringComparison.Ordinal))
                {
                    context.Options.OnRemoved();
                    throw new HttpRequestException("the member has been permanently removed from the cluster");
                }

                throw new HttpRequestException(text);
            default:
                throw new HttpRequestException(
                    $"unexpected http status {answer.ReasonPhrase} while posting to \"{answer.RequestMessage?.RequestUri}\"");
        }
    }
}
