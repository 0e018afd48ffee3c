using System.IO.Pipelines;
using System.Text.Json;
using Etcd.Server.Api.Metrics;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// The API as JSON over HTTP, below /v3/ and, for old clients, /v3beta/: the body is the request, or the requests one behind the other;
/// the answer is the response, or a line <c>{"result":...}</c> for each. Every path goes the same way: JSON to message, an
/// <see cref="InnerCall"/>, message to JSON.
/// </summary>
internal sealed class JsonGateway
{
    // As large as what gRPC reads becomes in base64, with room for what is around it.
    private const int JsonOverhead = 2;

    private static readonly Status NotFound = new(StatusCode.NotFound, "Not Found");
    private static readonly Status OtherMethod = new(StatusCode.Unimplemented, "Method Not Allowed");

    private readonly ApiContext _api;
    private readonly int _requestBytesMax;
    private readonly RequestDelegate _serve;
    private volatile Dictionary<string, Endpoint>? _endpoints;

    /// <summary>A gateway.</summary>
    /// <param name="api">The node.</param>
    public JsonGateway(ApiContext api)
    {
        _api = api;
        _requestBytesMax = api.Options.MaxRequestBytes + Primitives.Limits.GrpcOverheadBytes;
        _serve = http => CallMeter.InvokeAsync(ServeAsync, http, api.Figures.Grpc);
    }

    /// <summary>Answers an HTTP request.</summary>
    /// <param name="http">The request.</param>
    public async Task HandleAsync(HttpContext http)
    {
        if (http.WebSockets.IsWebSocketRequest)
        {
            await WebSocketGateway.ServeAsync(http, this).ConfigureAwait(false);
            return;
        }

        var reply = new HttpReply(http);
        if (GatewayRoutes.Find(MethodPath(http)) is null)
        {
            await ErrorAsync(reply, NotFound).ConfigureAwait(false);
        }
        else if (!HttpMethods.IsPost(http.Request.Method))
        {
            await ErrorAsync(reply, OtherMethod).ConfigureAwait(false);
        }
        else
        {
            await CallAsync(http, http.Request.BodyReader, reply).ConfigureAwait(false);
        }
    }

    /// <summary>Makes the call that a path stands for.</summary>
    /// <param name="http">The request: path, headers and abort.</param>
    /// <param name="body">The JSON.</param>
    /// <param name="reply">Where the answer goes.</param>
    public async Task CallAsync(HttpContext http, PipeReader body, IGatewayReply reply)
    {
        if (GatewayRoutes.Find(MethodPath(http)) is not { } method)
        {
            await ErrorAsync(reply, NotFound).ConfigureAwait(false);
            return;
        }

        string path = $"/{method.Service.FullName}/{method.Name}";
        if (!Endpoints(http).TryGetValue(path, out Endpoint? endpoint))
        {
            await ErrorAsync(reply, new Status(StatusCode.Unimplemented, "unknown service " + method.Service.FullName)).ConfigureAwait(false);
            return;
        }

        var requests = new JsonValues(body, (long)JsonOverhead * _requestBytesMax);
        await using var call = new InnerCall(http, path, endpoint);
        try
        {
            await (method.IsClientStreaming ? DuplexAsync(call, method, requests, reply) : SingleAsync(call, method, requests, reply)).ConfigureAwait(false);
        }
        catch (FormatException e)
        {
            await FailAsync(reply, method, new Status(StatusCode.InvalidArgument, e.Message)).ConfigureAwait(false);
        }
        catch (ValueTooLargeException)
        {
            await FailAsync(reply, method, new Status(
                StatusCode.ResourceExhausted, $"grpc: received message larger than max ({_requestBytesMax})")).ConfigureAwait(false);
        }
        catch (Exception e) when (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // There is nobody to answer.
        }
        catch (OperationCanceledException) when (call.Aborted.IsCancellationRequested)
        {
            // The call ended before its request was sent.
            await FailAsync(reply, method, call.Status).ConfigureAwait(false);
        }
    }

    private static string MethodPath(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "";
        return path.StartsWith("/v3beta/", StringComparison.Ordinal) ? "/v3/" + path["/v3beta/".Length..] : path;
    }

    private static Task ErrorAsync(IGatewayReply reply, Status status) =>
        reply.WriteWholeAsync(GatewayJson.HttpStatus(status.StatusCode), GatewayJson.OfError(status));

    private static Task FailAsync(IGatewayReply reply, MethodDescriptor method, Status status) => method.IsServerStreaming
        ? reply.WriteLineAsync(GatewayJson.HttpStatus(status.StatusCode), GatewayJson.OfStreamError(status))
        : ErrorAsync(reply, status);

    /// <summary>A body that is empty stands for a request that says nothing.</summary>
    private static async Task<IMessage> ReadAsync(JsonValues requests, MethodDescriptor method, CancellationToken cancellation)
    {
        using JsonDocument? json = await requests.NextAsync(cancellation).ConfigureAwait(false);
        return json is null ? method.InputType.Parser.ParseFrom(ByteString.Empty) : ProtoJsonReader.Read(json.RootElement, method.InputType);
    }

    /// <summary>Writes the responses of a stream; returns how it ended.</summary>
    private static async Task<Status> StreamAsync(InnerCall call, MethodDescriptor method, IGatewayReply reply)
    {
        while (await call.ReadAsync(method.OutputType.Parser).ConfigureAwait(false) is { } response)
        {
            await reply.WriteLineAsync(StatusCodes.Status200OK, GatewayJson.OfResult(response)).ConfigureAwait(false);
        }

        return call.Status;
    }

    private static async Task AnswerUnaryAsync(InnerCall call, MethodDescriptor method, IGatewayReply reply)
    {
        IMessage? response = await call.ReadAsync(method.OutputType.Parser).ConfigureAwait(false);
        // What the status says counts, and it comes behind the response.
        while (await call.ReadAsync(method.OutputType.Parser).ConfigureAwait(false) is not null)
        {
        }

        await (response is not null && call.Status.StatusCode == StatusCode.OK
            ? reply.WriteWholeAsync(StatusCodes.Status200OK, GatewayJson.Of(response))
            : ErrorAsync(reply, call.Status)).ConfigureAwait(false);
    }

    private static async Task PumpAsync(InnerCall call, MethodDescriptor method, JsonValues requests)
    {
        while (await requests.NextAsync(call.Aborted).ConfigureAwait(false) is { } json)
        {
            using (json)
            {
                await call.SendAsync(ProtoJsonReader.Read(json.RootElement, method.InputType)).ConfigureAwait(false);
            }
        }

        await call.EndRequestsAsync().ConfigureAwait(false);
    }

    private async Task SingleAsync(InnerCall call, MethodDescriptor method, JsonValues requests, IGatewayReply reply)
    {
        IMessage request = await ReadAsync(requests, method, call.Aborted).ConfigureAwait(false);
        call.Start(_serve);
        await call.SendAsync(request).ConfigureAwait(false);
        await call.EndRequestsAsync().ConfigureAwait(false);
        if (!method.IsServerStreaming)
        {
            await AnswerUnaryAsync(call, method, reply).ConfigureAwait(false);
            return;
        }

        await EndAsync(await StreamAsync(call, method, reply).ConfigureAwait(false), method, reply).ConfigureAwait(false);
    }

    private async Task DuplexAsync(InnerCall call, MethodDescriptor method, JsonValues requests, IGatewayReply reply)
    {
        call.Start(_serve);
        Task pump = PumpAsync(call, method, requests);
        Status status;
        try
        {
            Task<Status> answers = StreamAsync(call, method, reply);
            await Task.WhenAny(pump, answers).ConfigureAwait(false);
            if (pump.IsFaulted)
            {
                // A request that cannot be read ends the call; the end of the requests does not.
                await call.CancelAsync().ConfigureAwait(false);
                await answers.ConfigureAwait(false);
                await pump.ConfigureAwait(false);
            }

            status = await answers.ConfigureAwait(false);
        }
        finally
        {
            // Nobody reads the body any more when this returns.
            await call.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await EndAsync(status, method, reply).ConfigureAwait(false);
    }

    private static Task EndAsync(Status status, MethodDescriptor method, IGatewayReply reply) =>
        status.StatusCode == StatusCode.OK ? Task.CompletedTask : FailAsync(reply, method, status);

    private Task ServeAsync(HttpContext inner) => CallAdmission.Refuse(inner, _api.Status) is { } refusal
        ? CallAdmission.AnswerAsync(inner, refusal)
        : inner.GetEndpoint()!.RequestDelegate!(inner);

    private Dictionary<string, Endpoint> Endpoints(HttpContext http) => _endpoints ??= http.RequestServices
        .GetRequiredService<EndpointDataSource>().Endpoints
        .Select(endpoint => (endpoint, Method: endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method))
        .Where(mapped => mapped.Method is not null)
        .ToDictionary(mapped => mapped.Method!.FullName, mapped => mapped.endpoint, StringComparer.Ordinal);
}

/// <summary>Puts the gateway into an application.</summary>
internal static class GatewayExtensions
{
    /// <summary>Maps its paths.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">The node.</param>
    public static void MapGateway(this IEndpointRouteBuilder app, ApiContext api)
    {
        var gateway = new JsonGateway(api);
        app.Map("/v3/{**path}", gateway.HandleAsync);
        app.Map("/v3beta/{**path}", gateway.HandleAsync);
    }
}
