using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Behaviour.Asking;

/// <summary>What a request led to: a response, or an error's code and text.</summary>
internal sealed record Reply
{
    private Reply(IMessage? response, string? error)
    {
        Response = response;
        Error = error;
    }

    /// <summary>The response, with the session's revisions; null if it is an error.</summary>
    public IMessage? Response { get; }

    /// <summary>The error's code and text; null if it is none.</summary>
    public string? Error { get; }

    public static Reply Of(IMessage response) => new(response, null);

    public static Reply Of(RpcException error) => Failed(error.StatusCode, error.Status.Detail);

    public static Reply Failed(StatusCode code, string text) => new(null, $"{code}: {text}");

    /// <summary>As lines to compare.</summary>
    public IEnumerable<string> Lines() => Response is null ? [$"error {Error}"] : Text.Lines(Response);
}
