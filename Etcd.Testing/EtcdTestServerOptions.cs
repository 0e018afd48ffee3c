using Microsoft.Extensions.Logging;

namespace Etcd.Testing;

/// <summary>How a test server is started. All of it may be left out.</summary>
public sealed record EtcdTestServerOptions
{
    /// <summary>The port; 0 (the default) for a free one.</summary>
    public int Port { get; init; }

    /// <summary>A folder for the data, which stays; null (the default) for a temporary one, which goes with the server.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The least level that the server logs. Nothing by default.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.None;

    /// <summary>Where it logs; null (the default) for standard error, as etcd writes it.</summary>
    public ILoggerProvider? LoggerProvider { get; init; }
}
