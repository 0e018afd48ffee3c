namespace Grpc.Core;

/// <summary>A stream of messages that is read by one reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last successful <see cref="MoveNext"/> reached.</summary>
    T Current { get; }

    /// <summary>
    /// Goes to the next message; false at the end of the stream. A client's stream fails with <see cref="RpcException"/>
    /// where the call ended with another status than OK. No second read may start before this one ended.
    /// </summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}
