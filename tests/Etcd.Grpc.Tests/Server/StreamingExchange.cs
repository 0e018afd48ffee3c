using System.IO.Pipelines;
using System.Net;

namespace Etcd.Grpc.Tests.Server;

/// <summary>A call whose request the test writes piece by piece while it reads the response.</summary>
internal sealed class StreamingExchange : IAsyncDisposable
{
    private readonly Pipe _requests = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly HttpRequestMessage _request;
    private readonly Task<HttpResponseMessage> _response;
    private Stream? _responses;

    public StreamingExchange(HttpClient client, string path, params (string Name, string Value)[] headers)
    {
        _request = GrpcExchange.Request(path, new PipeContent(_requests.Reader), headers);
        _response = client.SendAsync(_request, HttpCompletionOption.ResponseHeadersRead, _cancel.Token);
    }

    public Task<HttpResponseMessage> Response => _response;

    public async Task SendAsync(byte[] message, byte flag = 0) =>
        await _requests.Writer.WriteAsync(GrpcExchange.Frame(message, flag), TestContext.Current.CancellationToken);

    public async Task SendRawAsync(byte[] bytes) =>
        await _requests.Writer.WriteAsync(bytes, TestContext.Current.CancellationToken);

    public void CompleteRequests() => _requests.Writer.Complete();

    public async Task<byte[]> ReceiveAsync()
    {
        _responses ??= await (await _response).Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        return await _responses.ReadMessageAsync();
    }

    /// <summary>Reads what is left and gives the whole end.</summary>
    public async Task<GrpcReply> EndAsync()
    {
        var response = await _response;
        _responses ??= await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        using var rest = new MemoryStream();
        await _responses.CopyToAsync(rest, TestContext.Current.CancellationToken);
        return new GrpcReply(response, GrpcExchange.Unframe(rest.ToArray()));
    }

    /// <summary>The client cancels: RST_STREAM.</summary>
    public void Cancel()
    {
        _cancel.Cancel();
        _responses?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync();
        await _requests.Writer.CompleteAsync();
        _request.Dispose();
        _cancel.Dispose();
    }

    private sealed class PipeContent(PipeReader source) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            // The headers leave before the first message.
            await stream.FlushAsync(cancellationToken);
            while (true)
            {
                var result = await source.ReadAsync(cancellationToken);
                foreach (var segment in result.Buffer)
                {
                    await stream.WriteAsync(segment, cancellationToken);
                }

                source.AdvanceTo(result.Buffer.End);
                await stream.FlushAsync(cancellationToken);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
