using Microsoft.Extensions.Logging;

namespace Etcd.Configuration.Diagnostics;

/// <summary>A logger that keeps what it is told until there is one that takes it. Safe for concurrent use.</summary>
internal sealed class LateLogger(string category) : ILogger
{
    // A start says a few lines; an application that never has logging must not collect them for ever. The first ones are kept.
    private const int KeptMax = 256;

    private readonly Lock _gate = new();
    private readonly Queue<Action<ILogger>> _kept = [];
    private volatile ILogger? _target;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => _target?.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => _target is { } target ? target.IsEnabled(logLevel) : logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (_gate)
        {
            if (_target is null)
            {
                if (_kept.Count < KeptMax)
                    _kept.Enqueue(target => target.Log(logLevel, eventId, state, exception, formatter));
                return;
            }
        }

        _target.Log(logLevel, eventId, state, exception, formatter);
    }

    public void Use(ILoggerFactory logging)
    {
        ILogger target = logging.CreateLogger(category);
        lock (_gate)
        {
            while (_kept.TryDequeue(out Action<ILogger>? log))
                log(target);
            _target = target;
        }
    }
}

/// <summary>Makes loggers before there is logging, and connects them when there is.</summary>
internal sealed class LateLoggerFactory : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<LateLogger> _loggers = [];
    private ILoggerFactory? _target;

    public LateLoggerFactory(ILoggerFactory? target) => _target = target;

    public ILogger CreateLogger(string categoryName)
    {
        lock (_gate)
        {
            if (_target is not null)
                return _target.CreateLogger(categoryName);
            var logger = new LateLogger(categoryName);
            _loggers.Add(logger);
            return logger;
        }
    }

    /// <summary>Connects all loggers. The first caller counts.</summary>
    public void Use(ILoggerFactory target)
    {
        lock (_gate)
        {
            if (_target is not null)
                return;
            _target = target;
            foreach (LateLogger logger in _loggers)
                logger.Use(target);
        }
    }

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("Providers belong to the application's logging.");

    public void Dispose()
    {
    }
}
