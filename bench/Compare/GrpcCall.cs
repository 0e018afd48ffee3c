using System.Net;

namespace Etcd.Bench.Compare;

/// <summary>What the bench needs to know of a member.</summary>
internal sealed record MemberStatus(ulong Id, ulong Leader, ulong Revision);

/// <summary>
/// Unary gRPC calls in small numbers, over .NET's own HTTP/2 client: for questions beside the load, where a call's cost does not
/// count. Safe for concurrent use.
/// </summary>
internal static class GrpcCall
{
    private const int PrefixBytes = 5;
    private static readonly TimeSpan StatusDeadline = TimeSpan.FromSeconds(2);
    private static readonly HttpClient Http = new(new SocketsHttpHandler { ConnectTimeout = StatusDeadline });

    /// <summary>Maintenance.Status; null where there is no answer.</summary>
    public static MemberStatus? Status(int port, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StatusDeadline);
        byte[]? answer = SendAsync(port, "Maintenance/Status", [], limit.Token).GetAwaiter().GetResult();
        return answer is null ? null : ReadStatus(answer);
    }

    /// <summary>KV.Put; whether it was acknowledged.</summary>
    public static async Task<bool> PutAsync(int port, byte[] request, CancellationToken cancellationToken) =>
        await SendAsync(port, "KV/Put", request, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Any unary call; null where it failed in whatever way.</summary>
    /// <param name="port">The server's.</param>
    /// <param name="method">As in "KV/Range".</param>
    /// <param name="request">The message.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<byte[]?> SendAsync(int port, string method, byte[] request, CancellationToken cancellationToken) =>
        await PostAsync(port, "/etcdserverpb." + method, request, cancellationToken).ConfigureAwait(false);

    /// <summary>From the bytes of a StatusResponse: header 1 { member_id 2, revision 3 }, leader 4.</summary>
    internal static MemberStatus ReadStatus(ReadOnlySpan<byte> message)
    {
        ulong id = 0, revision = 0, leader = 0;
        var fields = new ProtoFields(message);
        while (fields.Next())
        {
            if (fields.Number == 4)
                leader = fields.Value;
            if (fields.Number != 1)
                continue;
            var header = new ProtoFields(fields.Bytes);
            while (header.Next())
            {
                id = header.Number == 2 ? header.Value : id;
                revision = header.Number == 3 ? header.Value : revision;
            }
        }
        return new MemberStatus(id, leader, revision);
    }

    // The answer's message; null where the call failed in whatever way.
    private static async Task<byte[]?> PostAsync(int port, string path, byte[] message, CancellationToken cancellationToken)
    {
        var body = new byte[PrefixBytes + message.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.CopyTo(body, PrefixBytes);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{port}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { { "content-type", "application/grpc" } } },
            Headers = { { "te", "trailers" } },
        };
        try
        {
            using HttpResponseMessage response = await Http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            bool ok = response.TrailingHeaders.TryGetValues("grpc-status", out IEnumerable<string>? status) && status.Single() == "0";
            return ok && answer.Length >= PrefixBytes ? answer[PrefixBytes..] : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }
}

/// <summary>Reads a protobuf message field by field.</summary>
internal ref struct ProtoFields(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    public int Number { get; private set; }

    public ulong Value { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        ulong tag = Varint();
        Number = (int)(tag >> 3);
        Bytes = default;
        Value = 0;
        switch (tag & 7)
        {
            case 0:
                Value = Varint();
                break;
            case 1:
                _rest = _rest[8..];
                break;
            case 2:
                int length = (int)Varint();
                Bytes = _rest[..length];
                _rest = _rest[length..];
                break;
            default:
                _rest = _rest[4..];
                break;
        }
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
