namespace Grpc.Core;

/// <summary>
/// Carries the deadline and the cancellation of a served call to the calls that it makes. Only a gRPC implementation
/// creates one, by <see cref="ServerCallContext.CreatePropagationToken"/>.
/// </summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }
}

/// <summary>What a <see cref="ContextPropagationToken"/> carries on.</summary>
public class ContextPropagationOptions
{
    /// <summary>Options that carry on the deadline and the cancellation.</summary>
    public static readonly ContextPropagationOptions Default = new();

    /// <summary>Creates options.</summary>
    public ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
    {
        IsPropagateDeadline = propagateDeadline;
        IsPropagateCancellation = propagateCancellation;
    }

    /// <summary>Whether the deadline is carried on.</summary>
    public bool IsPropagateDeadline { get; }

    /// <summary>Whether the cancellation is carried on.</summary>
    public bool IsPropagateCancellation { get; }
}
