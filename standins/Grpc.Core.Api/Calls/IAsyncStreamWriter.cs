namespace Grpc.Core;

/// <summary>A stream of messages that is written by one writer at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How the messages that follow are written; null for the call's options.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>
    /// Writes a message. It ends when the transport took the message, which is how a slow reader holds a fast writer;
    /// no second write may start before.
    /// </summary>
    Task WriteAsync(T message);

    /// <summary>Writes a message unless it is cancelled, which ends the whole call.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken) => cancellationToken.CanBeCanceled
        ? throw new NotSupportedException("This stream writer has no writes that can be cancelled.")
        : WriteAsync(message);
}

/// <summary>The requests of a call, on the client.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no request follows. A write that follows fails.</summary>
    Task CompleteAsync();
}

/// <summary>The responses of a call, on the server.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;
