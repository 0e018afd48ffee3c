using Grpc.Core;
using Polly;

namespace Etcd.Client;

/// <summary>A call that is being tried again: what it has tried, and how the last attempt failed.</summary>
internal abstract class CallState(string operation, bool repeatable, DateTime deadline)
{
    public static readonly ResiliencePropertyKey<CallState> Key = new("etcd.call");

    // A member that refuses fresh tokens as well will not come to its senses.
    private const int NewTokensMax = 3;

    private int _newTokens;

    public string Operation { get; } = operation;

    public bool Repeatable { get; } = repeatable;

    public DateTime Deadline { get; } = deadline;

    public List<Endpoint> Tried { get; } = [];

    public int Attempts { get; set; }

    public int Pauses { get; set; }

    public EtcdException? LastFailure { get; set; }

    public Endpoint? LastEndpoint { get; set; }

    /// <summary>Whether the failure lets this call be sent again.</summary>
    public bool MayRetry(Exception? exception, bool canRenewToken)
    {
        if (exception is not EtcdException failure || DateTime.UtcNow >= Deadline)
            return false;
        return failure.Advice switch
        {
            RetryAdvice.Always => true,
            RetryAdvice.IfRepeatable => Repeatable,
            RetryAdvice.WithNewToken => MayRenew(failure, canRenewToken),
            _ => false,
        };
    }

    /// <summary>When this attempt must have ended.</summary>
    public DateTime AttemptDeadline(TimeSpan attemptTimeout, int endpoints)
    {
        if (!Repeatable || endpoints < 2 || attemptTimeout == Timeout.InfiniteTimeSpan)
            return Deadline;
        DateTime end = DateTime.UtcNow + attemptTimeout * Math.Pow(2, Math.Min(Attempts, 10));
        return end < Deadline ? end : Deadline;
    }

    // A certificate instead of a token: users changed while the request was on its way, and the same request will do.
    private bool MayRenew(EtcdException failure, bool canRenewToken) =>
        (canRenewToken || failure.ErrorId == Protocol.Errors.EtcdErrorId.AuthOldRevision) && ++_newTokens <= NewTokensMax;
}

/// <summary>A call that gives one response.</summary>
internal abstract class CallState<TResponse>(string operation, bool repeatable, DateTime deadline)
    : CallState(operation, repeatable, deadline)
{
    /// <summary>Sends it once. Throws what gRPC throws.</summary>
    public abstract Task<TResponse> SendAsync(CallInvoker invoker, CallOptions options);
}

/// <summary>A unary call.</summary>
internal sealed class UnaryState<TRequest, TResponse>(Rpc<TRequest, TResponse> rpc, TRequest request, DateTime deadline)
    : CallState<TResponse>(rpc.Operation, rpc.Repeatable, deadline)
    where TRequest : class
    where TResponse : class
{
    public override Task<TResponse> SendAsync(CallInvoker invoker, CallOptions options) =>
        invoker.AsyncUnaryCall(rpc.Method, null, options, request).ResponseAsync;
}
