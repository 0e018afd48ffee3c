using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Diagnostics;

/// <summary>
/// Log lines in the shape that etcd's users and tools read: one JSON object per line with <c>level</c>, <c>ts</c>
/// (UTC, microseconds), <c>caller</c> and <c>msg</c>, then the values by name; or the same as tab-separated text. The
/// message is the constant template, so that it can be searched for; values stand beside it.
/// Thread safe: a line is written whole.
/// </summary>
public sealed class ZapLoggerProvider : ILoggerProvider
{
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<Stream> _outputs;
    private readonly LogFormat _format;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();

    /// <summary>Writes to the given outputs.</summary>
    /// <param name="outputs">"default" and "stderr", "stdout", or file paths, which are appended to.</param>
    /// <param name="format">JSON or text.</param>
    /// <param name="clock">For the time of each line.</param>
    /// <exception cref="IOException">A file cannot be opened.</exception>
    public ZapLoggerProvider(IReadOnlyList<string> outputs, LogFormat format, TimeProvider clock)
    {
        _outputs = [.. outputs.Select(Open)];
        _format = format;
        _clock = clock;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => _loggers.GetOrAdd(categoryName, name => new ZapLogger(this, Caller(name)));

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (Stream output in _outputs)
            {
                output.Dispose();
            }
        }
    }

    private static Stream Open(string output) => output switch
    {
        "default" or "stderr" => Console.OpenStandardError(),
        "stdout" => Console.OpenStandardOutput(),
        _ => new FileStream(output, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0),
    };

    /// <summary>Etcd.Server.Hosting.EtcdMember becomes hosting/EtcdMember.cs, as Go's callers look.</summary>
    private static string Caller(string category)
    {
        string[] parts = category.Split('.');
        return parts.Length < 2 ? category : $"{parts[^2].ToLowerInvariant()}/{parts[^1]}.cs";
    }

    private static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private void Write(LogLevel level, string caller, string message, IReadOnlyList<KeyValuePair<string, object?>>? values, Exception? exception)
    {
        string time = _clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
        var line = new ArrayBufferWriter<byte>(256);
        if (_format == LogFormat.Json)
        {
            WriteJson(line, time, level, caller, message, values, exception);
        }
        else
        {
            WriteText(line, time, level, caller, message, values, exception);
        }

        line.Write("\n"u8);
        lock (_gate)
        {
            foreach (Stream output in _outputs)
            {
                try
                {
                    output.Write(line.WrittenSpan);
                }
                catch (IOException)
                {
                    // Whoever read the log is gone. The member goes on; there is no place left to complain.
                }
            }
        }
    }

    private static void WriteJson(
        ArrayBufferWriter<byte> to,
        string time,
        LogLevel level,
        string caller,
        string message,
        IReadOnlyList<KeyValuePair<string, object?>>? values,
        Exception? exception)
    {
        using var json = new Utf8JsonWriter(to, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("level", LevelName(level));
        json.WriteString("ts", time);
        json.WriteString("caller", caller);
        json.WriteString("msg", message);
        foreach ((string name, object? value) in Fields(values))
        {
            json.WritePropertyName(name);
            WriteValue(json, value);
        }

        if (exception is not null)
        {
            json.WriteString("error", exception.Message);
            json.WriteString("errorVerbose", exception.ToString());
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int or long or short or byte or uint or ulong:
                json.WriteRawValue(Convert.ToString(value, CultureInfo.InvariantCulture)!);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case IEnumerable<string> list:
                json.WriteStartArray();
                foreach (string item in list)
                {
                    json.WriteStringValue(item);
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteText(
        ArrayBufferWriter<byte> to,
        string time,
        LogLevel level,
        string caller,
        string message,
        IReadOnlyList<KeyValuePair<string, object?>>? values,
        Exception? exception)
    {
        var text = new StringBuilder();
        text.Append(time).Append('\t').Append(LevelName(level)).Append('\t').Append(caller).Append('\t').Append(message);
        string separator = "\t";
        foreach ((string name, object? value) in Fields(values))
        {
            string shown = value is IEnumerable<string> list ? string.Join(',', list) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            text.Append(separator).Append(name).Append('=').Append(shown);
            separator = " ";
        }

        if (exception is not null)
        {
            text.Append(separator).Append("error=").Append(exception);
        }

        to.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static IEnumerable<KeyValuePair<string, object?>> Fields(IReadOnlyList<KeyValuePair<string, object?>>? values) =>
        values?.Where(v => v.Key != "{OriginalFormat}").Select(v => new KeyValuePair<string, object?>(FieldName(v.Key), v.Value)) ?? [];

    /// <summary>localMemberId becomes local-member-id, as etcd names its values.</summary>
    private static string FieldName(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c))
            {
                text.Append(text.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
            }
            else
            {
                text.Append(c);
            }
        }

        return text.ToString();
    }

    private sealed class ZapLogger(ZapLoggerProvider provider, string caller) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // The factory's filter has decided already.
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            provider.Write(
                logLevel, caller, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>>, exception);
    }
}
