using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Etcd.Server.Api.Gateway;

/// <summary>The answering side of an <see cref="InnerCall"/>, in the place of an HTTP/2 stream.</summary>
internal sealed class InnerResponse(PipeWriter output, CancellationTokenSource aborted)
    : IHttpResponseBodyFeature, IHttpResponseTrailersFeature, IHttpRequestLifetimeFeature, IHttpResetFeature
{
    private readonly CancellationToken _given = aborted.Token;
    private CancellationToken? _replaced;

    /// <inheritdoc/>
    public Stream Stream => Writer.AsStream(leaveOpen: true);

    /// <inheritdoc/>
    public PipeWriter Writer { get; } = output;

    /// <inheritdoc/>
    public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();

    /// <inheritdoc/>
    public CancellationToken RequestAborted
    {
        get => _replaced ?? _given;
        set => _replaced = value;
    }

    /// <inheritdoc/>
    public void DisableBuffering()
    {
        // What is flushed can be read at once anyway.
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    /// <inheritdoc/>
    public Task CompleteAsync() => Writer.CompleteAsync().AsTask();

    /// <inheritdoc/>
    public void Abort() => aborted.Cancel();

    /// <inheritdoc/>
    public void Reset(int errorCode) => aborted.Cancel();
}

/// <summary>The asking side.</summary>
/// <param name="Reader">The framed requests.</param>
internal sealed record InnerRequestBody(PipeReader Reader) : IRequestBodyPipeFeature;
