using System.Globalization;
using System.IO.Pipelines;
using Grpc.AspNetCore.Server.Calls;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Grpc.AspNetCore.Server.Http;

/// <summary>A stream of ASP.NET's HTTP/2 engine.</summary>
internal sealed class HttpContextCallStream : CallStream
{
    private static readonly AuthContext Unauthenticated = new(null, []);

    /// <summary>The texts of the seventeen status codes.</summary>
    private static readonly StringValues[] CodeTexts =
        [.. Enumerable.Range(0, 17).Select(code => new StringValues(code.ToString(CultureInfo.InvariantCulture)))];

    private static readonly StringValues ContentType = GrpcContentType.Value;

    private readonly HttpRequest _request;
    private readonly HttpResponse _response;
    private bool _bodyBegun;

    public HttpContextCallStream(HttpContext http)
    {
        HttpContext = http;
        _request = http.Request;
        _response = http.Response;
        _response.Headers.ContentType = ContentType;
    }

    public HttpContext HttpContext { get; }

    public override string Method => _request.Path.Value ?? string.Empty;

    public override string Host => _request.Host.Value ?? string.Empty;

    public override string Peer => PeerName.Of(HttpContext.Connection);

    public override string? Timeout => _request.Headers.GrpcTimeout;

    public override string? Encoding => _request.Headers.GrpcEncoding;

    public override string? AcceptEncoding => _request.Headers.GrpcAcceptEncoding;

    public override PipeReader RequestBody => _request.BodyReader;

    public override PipeWriter ResponseBody
    {
        get
        {
            _bodyBegun = true;
            return _response.BodyWriter;
        }
    }

    public override CancellationToken Aborted => HttpContext.RequestAborted;

    public override bool HasStarted => _response.HasStarted;

    public override AuthContext AuthContext =>
        HttpContext.Connection.ClientCertificate is { } certificate ? CertificateAuthContext.Create(certificate) : Unauthenticated;

    public override IServiceProvider Services => HttpContext.RequestServices;

    // Both are dictionaries from object to object; the values of ours are never null.
    public override IDictionary<object, object> UserState => HttpContext.Items!;

    public override void ReadHeaders(Metadata headers)
    {
        foreach (var (name, values) in _request.Headers)
        {
            if (IsTransportHeader(name))
            {
                continue;
            }

            var binary = name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase);
            foreach (var value in values)
            {
                if (binary)
                {
                    BinaryHeader.Decode(name, value ?? string.Empty, headers);
                }
                else
                {
                    headers.Add(name, value ?? string.Empty);
                }
            }
        }
    }

    public override void AddHeader(string name, string value) => _response.Headers.Append(name, value);

    public override void SetStatus(in Status status, Metadata? trailers)
    {
        // What has not begun with a body yet ends with its headers: "trailers only".
        var target = _bodyBegun || _response.HasStarted ? Trailers() : _response.Headers;
        target.GrpcStatus = CodeText(status.StatusCode);
        if (!string.IsNullOrEmpty(status.Detail))
        {
            target.GrpcMessage = PercentEncoding.Encode(status.Detail);
        }

        if (trailers is not null)
        {
            foreach (var entry in trailers)
            {
                target.Append(entry.Key, entry.IsBinary ? BinaryHeader.Encode(entry.ValueBytes) : entry.Value);
            }
        }
    }

    public override async Task EndAsync()
    {
        await _response.CompleteAsync().ConfigureAwait(false);

        // The client need not send the rest of its request.
        Reset(StreamError.NoError);
    }

    public override void Reset(StreamError error)
    {
        if (HttpContext.Features.Get<IHttpResetFeature>() is { } feature)
        {
            feature.Reset((int)error);
        }
        else
        {
            HttpContext.Abort();
        }
    }

    private static StringValues CodeText(StatusCode code) =>
        (uint)code < (uint)CodeTexts.Length ? CodeTexts[(int)code] : ((int)code).ToString(CultureInfo.InvariantCulture);

    private static bool IsTransportHeader(string name) => name.Length switch
    {
        2 => name.Equals("te", StringComparison.OrdinalIgnoreCase),
        4 => name.Equals("host", StringComparison.OrdinalIgnoreCase),
        12 => name.Equals("content-type", StringComparison.OrdinalIgnoreCase) || name.Equals("grpc-timeout", StringComparison.OrdinalIgnoreCase),
        13 => name.Equals("grpc-encoding", StringComparison.OrdinalIgnoreCase),
        14 => name.Equals("content-length", StringComparison.OrdinalIgnoreCase),
        15 => name.Equals("accept-encoding", StringComparison.OrdinalIgnoreCase),
        20 => name.Equals("grpc-accept-encoding", StringComparison.OrdinalIgnoreCase),
        _ => name.StartsWith(':'),
    };

    private IHeaderDictionary Trailers() =>
        HttpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers
        ?? throw new InvalidOperationException("The server offers no response trailers.");
}
