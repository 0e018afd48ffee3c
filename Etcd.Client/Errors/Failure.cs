using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>What is known about a failed attempt; see <see cref="EtcdException"/> for the meaning.</summary>
internal readonly record struct Failure
{
    public required string Message { get; init; }

    public required StatusCode Code { get; init; }

    public EtcdErrorId? ErrorId { get; init; }

    public Exception? Cause { get; init; }

    public string? Endpoint { get; init; }

    public RetryAdvice Advice { get; init; }

    public bool IsTransient { get; init; }

    public bool OutcomeUnknown { get; init; }
}
