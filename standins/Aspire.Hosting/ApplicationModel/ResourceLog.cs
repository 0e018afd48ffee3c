using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The log of one resource: a ring of lines and those who watch it. Safe for concurrent use.</summary>
internal sealed class ResourceLog(Action<LogLine> added) : ILogger
{
    private const int KeptLinesMax = 10_000;

    private readonly Lock _gate = new();
    private readonly Queue<LogLine> _kept = new();
    private ImmutableArray<Channel<LogLine>> _watchers = [];
    private int _count;
    private bool _complete;

    public void Add(string text, bool isError)
    {
        var time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        LogLine line;
        lock (_gate)
        {
            line = new LogLine(++_count, $"{time} {text}", isError);
            _kept.Enqueue(line);
            if (_kept.Count > KeptLinesMax)
            {
                _kept.Dequeue();
            }

            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(line);
            }
        }

        added(line);
    }

    public IReadOnlyList<LogLine> Kept()
    {
        lock (_gate)
        {
            return [.. _kept];
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _kept.Clear();
        }
    }

    public void Complete()
    {
        lock (_gate)
        {
            _complete = true;
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryComplete();
            }
        }
    }

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<LogLine>(new UnboundedChannelOptions { SingleReader = true });
        lock (_gate)
        {
            foreach (var line in _kept)
            {
                channel.Writer.TryWrite(line);
            }

            if (_complete)
            {
                channel.Writer.TryComplete();
            }

            _watchers = _watchers.Add(channel);
        }

        try
        {
            while (await channel.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var lines = new List<LogLine>();
                while (channel.Reader.TryRead(out var line))
                {
                    lines.Add(line);
                }

                yield return lines;
            }
        }
        finally
        {
            lock (_gate)
            {
                _watchers = _watchers.Remove(channel);
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        Add(exception is null ? text : $"{text}{Environment.NewLine}{exception}", logLevel >= LogLevel.Error);
    }
}
