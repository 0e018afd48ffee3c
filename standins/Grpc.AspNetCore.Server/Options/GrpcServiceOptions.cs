using System.IO.Compression;

namespace Grpc.AspNetCore.Server;

/// <summary>How services are run: for all services, or for one by <see cref="GrpcServiceOptions{TService}"/>.</summary>
public class GrpcServiceOptions
{
    internal const int DefaultReceiveMaxMessageSize = 4 * 1024 * 1024;

    private int? _maxReceiveMessageSize;
    private int? _maxSendMessageSize;

    /// <summary>The longest message that is sent, in bytes; null for no limit.</summary>
    public int? MaxSendMessageSize
    {
        get => _maxSendMessageSize;
        set
        {
            _maxSendMessageSize = value;
            MaxSendMessageSizeConfigured = true;
        }
    }

    /// <summary>The longest message that is taken, in bytes; null for no limit. 4 MiB unless set.</summary>
    public int? MaxReceiveMessageSize
    {
        get => _maxReceiveMessageSize;
        set
        {
            _maxReceiveMessageSize = value;
            MaxReceiveMessageSizeConfigured = true;
        }
    }

    /// <summary>Whether a client is told type and message of an exception that a method threw. False unless set.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary>
    /// Whether calls of unknown services and methods are left to the rest of the application. False unless set: they
    /// are answered with Unimplemented.
    /// </summary>
    public bool? IgnoreUnknownServices { get; set; }

    /// <summary>How responses are compressed for clients that accept it: <c>gzip</c>, or null for not at all.</summary>
    public string? ResponseCompressionAlgorithm { get; set; }

    /// <summary>How hard responses are compressed.</summary>
    public CompressionLevel? ResponseCompressionLevel { get; set; }

    /// <summary>What runs around each call, the first one outermost.</summary>
    public InterceptorCollection Interceptors { get; } = [];

    // Null is a value ("no limit"), so "not set" has to be known apart from it.
    internal bool MaxSendMessageSizeConfigured { get; private set; }

    internal bool MaxReceiveMessageSizeConfigured { get; private set; }
}

/// <summary>How one service is run; what is set here goes before what is set for all services.</summary>
/// <typeparam name="TService">The service.</typeparam>
public class GrpcServiceOptions<TService> : GrpcServiceOptions
    where TService : class;
