using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// A request failed. All failures of the client are of this type, but for cancellation by the caller's token
/// (<see cref="OperationCanceledException"/>), wrong arguments, and use after disposal.
/// </summary>
/// <example>
/// <code>
/// try
/// {
///     await client.PutAsync("greeting", "hello");
/// }
/// catch (EtcdException e) when (e.ErrorId == EtcdErrorId.NoSpace)
/// {
///     // Ask somebody to raise the quota.
/// }
/// catch (EtcdException e) when (e.OutcomeUnknown)
/// {
///     // The put may have been carried out: read before doing it again.
/// }
/// </code>
/// </example>
public class EtcdException : Exception
{
    /// <summary>Makes an exception without more than a message.</summary>
    public EtcdException()
        : this("The request to etcd failed.")
    {
    }

    /// <summary>Makes an exception without more than a message.</summary>
    public EtcdException(string message)
        : base(message)
    {
        Code = StatusCode.Unknown;
    }

    /// <summary>Makes an exception without more than a message and a cause.</summary>
    public EtcdException(string message, Exception? innerException)
        : base(message, innerException)
    {
        Code = StatusCode.Unknown;
    }

    internal EtcdException(Failure failure)
        : base(failure.Message, failure.Cause)
    {
        Code = failure.Code;
        ErrorId = failure.ErrorId;
        IsTransient = failure.IsTransient;
        OutcomeUnknown = failure.OutcomeUnknown;
        Endpoint = failure.Endpoint;
        Advice = failure.Advice;
    }

    /// <summary>The gRPC code by etcd's table, which for two errors is not the one on the wire.</summary>
    public StatusCode Code { get; }

    /// <summary>Which of etcd's errors this is; null where the failure is not one of them, such as a lost connection.</summary>
    public EtcdErrorId? ErrorId { get; }

    /// <summary>Whether the same request may succeed later without anybody having changed anything.</summary>
    public bool IsTransient { get; }

    /// <summary>
    /// Whether a request that changes something may have been carried out nevertheless. False for reads, and where it is
    /// certain that the request had no effect.
    /// </summary>
    public bool OutcomeUnknown { get; }

    /// <summary>The endpoint that the last attempt went to, as it was configured.</summary>
    public string? Endpoint { get; }

    internal RetryAdvice Advice { get; }
}
