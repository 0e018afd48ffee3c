using System.Text.Json;
using Etcd.Configuration.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration.Files;

/// <summary>
/// The file of last known good settings. It is replaced as a whole: after a crash there is the old one or the new one. Only its owner may read
/// it, as settings may be secrets. Reading and writing never fail; a file that is damaged, or of other keys, counts as none.
/// <para>Its content: <c>{"format":1,"selection":"...","revision":42,"savedAt":"2026-...","settings":{"Color":"blue","None":null}}</c>.</para>
/// </summary>
internal sealed class LastKnownGoodFile(string path, string selection, TimeProvider clock, ILogger log)
{
    private const int Format = 1;

    private readonly string _path = Path.GetFullPath(path);

    /// <summary>Writes the settings.</summary>
    public void Write(long revision, IReadOnlyDictionary<string, string?> settings)
    {
        string temporary = $"{_path}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            WriteTo(temporary, revision, settings);
            File.Move(temporary, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // JSON has no place for text that is not Unicode, which an ArgumentException tells of.
            ConfigurationLog.FileNotWritten(log, e, _path);
            TryDelete(temporary);
        }
    }

    /// <summary>Reads the settings; null where there are none.</summary>
    public LastKnownGood? Read()
    {
        try
        {
            return File.Exists(_path) ? Parse(File.ReadAllBytes(_path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException
            or KeyNotFoundException or InvalidOperationException)
        {
            ConfigurationLog.FileNotRead(log, e, _path);
            return null;
        }
    }

    private void WriteTo(string file, long revision, IReadOnlyDictionary<string, string?> settings)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(file, options);
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteNumber("format", Format);
            writer.WriteString("selection", selection);
            writer.WriteNumber("revision", revision);
            writer.WriteString("savedAt", clock.GetUtcNow());
            writer.WriteStartObject("settings");
            foreach ((string name, string? value) in settings)
                writer.WriteString(name, value);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        // Before the rename: a name that is durable must not lead to content that is not.
        stream.Flush(flushToDisk: true);
    }

    private LastKnownGood? Parse(byte[] content)
    {
        using var document = JsonDocument.Parse(content);
        JsonElement root = document.RootElement;
        if (root.GetProperty("format").GetInt32() != Format || root.GetProperty("selection").GetString() != selection)
        {
            ConfigurationLog.FileOfOtherKeys(log, _path);
            return null;
        }

        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (JsonProperty setting in root.GetProperty("settings").EnumerateObject())
            settings[setting.Name] = setting.Value.GetString();
        return new LastKnownGood(root.GetProperty("revision").GetInt64(), root.GetProperty("savedAt").GetDateTimeOffset(), settings);
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is told of.
        }
    }
}
