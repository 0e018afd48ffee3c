using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Etcd.Server.Api.Gateway;

/// <summary>The gateway's JSON texts, and the HTTP statuses of gRPC's.</summary>
internal static class GatewayJson
{
    // The answer is JSON and no page: '+' and the like need no escapes.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A message.</summary>
    public static ReadOnlyMemory<byte> Of(IMessage message) => Write(json => ProtoJsonWriter.Write(json, message));

    /// <summary>One message of a stream: <c>{"result":...}</c>.</summary>
    public static ReadOnlyMemory<byte> OfResult(IMessage message) => Write(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("result");
        ProtoJsonWriter.Write(json, message);
        json.WriteEndObject();
    });

    /// <summary>
    /// An error: code and message, as etcd v3.6 and v3.7 have them, and the message once more as "error", which clients made for v3.5 and
    /// before read.
    /// </summary>
    public static ReadOnlyMemory<byte> OfError(Status status) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("error", status.Detail);
        WriteStatus(json, status);
        json.WriteEndObject();
    });

    /// <summary>The error that ends a stream; with the names of v3.5 and before beside those of today.</summary>
    public static ReadOnlyMemory<byte> OfStreamError(Status status) => Write(json =>
    {
        int http = HttpStatus(status.StatusCode);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteNumber("grpc_code", (int)status.StatusCode);
        json.WriteNumber("http_code", http);
        json.WriteString("http_status", ReasonPhrases.GetReasonPhrase(http));
        WriteStatus(json, status);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The HTTP status of a gRPC status (google.rpc.Code's table).</summary>
    public static int HttpStatus(StatusCode code) => code switch
    {
        StatusCode.OK => StatusCodes.Status200OK,
        StatusCode.Cancelled => StatusCodes.Status499ClientClosedRequest,
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange => StatusCodes.Status400BadRequest,
        StatusCode.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        StatusCode.NotFound => StatusCodes.Status404NotFound,
        StatusCode.AlreadyExists or StatusCode.Aborted => StatusCodes.Status409Conflict,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.Unimplemented => StatusCodes.Status501NotImplemented,
        StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static void WriteStatus(Utf8JsonWriter json, Status status)
    {
        json.WriteNumber("code", (int)status.StatusCode);
        json.WriteString("message", status.Detail);
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var text = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(text, Options);
        write(json);
        json.Flush();
        return text.WrittenMemory;
    }
}
