using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;

namespace Etcd.Grpc.Tests.Server;

/// <summary>What came back from a call, read off the wire with HttpClient: no gRPC code of ours is involved.</summary>
internal sealed record GrpcReply(HttpResponseMessage Http, IReadOnlyList<(bool Compressed, byte[] Bytes)> Messages)
{
    public string? Status => Find("grpc-status");

    /// <summary>The message as sent, percent-encoded.</summary>
    public string? RawMessage => Find("grpc-message");

    public string? Message => RawMessage is null ? null : Uri.UnescapeDataString(RawMessage);

    public bool IsTrailersOnly => Http.Headers.Contains("grpc-status");

    public string? Trailer(string name) => Http.TrailingHeaders.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    public string? Header(string name) => Http.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    private string? Find(string name) => Header(name) ?? Trailer(name);
}

internal static class GrpcExchange
{
    public static Task<GrpcReply> CallAsync(this TestHost host, string method, byte[] message, params (string Name, string Value)[] headers) =>
        host.Client.CallAsync("/test.Blobs/" + method, Frame(message), headers);

    public static async Task<GrpcReply> CallAsync(this HttpClient client, string path, byte[] body, params (string Name, string Value)[] headers)
    {
        using var request = Request(path, new ByteArrayContent(body), headers);
        return await client.CallAsync(request);
    }

    public static async Task<GrpcReply> CallAsync(this HttpClient client, HttpRequestMessage request)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation);
        return new GrpcReply(response, Unframe(body));
    }

    public static HttpRequestMessage Request(string path, HttpContent content, params (string Name, string Value)[] headers)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    public static byte[] Frame(byte[] message, byte flag = 0)
    {
        var framed = new byte[message.Length + 5];
        framed[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(framed.AsSpan(1), (uint)message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    public static List<(bool Compressed, byte[] Bytes)> Unframe(byte[] body)
    {
        var messages = new List<(bool, byte[])>();
        var rest = body.AsSpan();
        while (rest.Length > 0)
        {
            var length = (int)BinaryPrimitives.ReadUInt32BigEndian(rest[1..]);
            messages.Add((rest[0] == 1, rest.Slice(5, length).ToArray()));
            rest = rest[(5 + length)..];
        }

        return messages;
    }

    public static async Task<byte[]> ReadMessageAsync(this Stream stream)
    {
        var header = new byte[5];
        await stream.ReadExactlyAsync(header, TestContext.Current.CancellationToken);
        var message = new byte[BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1))];
        await stream.ReadExactlyAsync(message, TestContext.Current.CancellationToken);
        return message;
    }

    public static byte[] Gzip(byte[] message)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(message);
        }

        return target.ToArray();
    }

    public static byte[] Gunzip(byte[] message)
    {
        using var gzip = new GZipStream(new MemoryStream(message), CompressionMode.Decompress);
        using var target = new MemoryStream();
        gzip.CopyTo(target);
        return target.ToArray();
    }
}
