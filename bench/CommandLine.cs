using System.Globalization;

namespace Etcd.Bench;

/// <summary>
/// The options of a command: <c>--name value</c>, <c>--name=value</c> or <c>--name</c>. Whoever reads them takes each
/// by name; <see cref="RequireAllTaken"/> then refuses what nobody took.
/// </summary>
internal sealed class CommandLine
{
    private readonly Dictionary<string, string?> _options = [];

    public CommandLine(ReadOnlySpan<string> arguments)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                throw new UsageException($"unexpected argument: {arguments[i]}");
            string[] parts = arguments[i][2..].Split('=', 2);
            string? value = parts.Length > 1 ? parts[1] : null;
            if (value is null && i + 1 < arguments.Length && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
                value = arguments[++i];
            if (!_options.TryAdd(parts[0], value))
                throw new UsageException($"--{parts[0]} is given twice");
        }
    }

    public bool HasAny(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (_options.ContainsKey(name))
                return true;
        }
        return false;
    }

    public bool Flag(string name)
    {
        if (!_options.Remove(name, out string? value))
            return false;
        return value is null ? true : throw new UsageException($"--{name} takes no value, but got {value}");
    }

    public string? Text(string name)
    {
        if (!_options.Remove(name, out string? value))
            return null;
        return value ?? throw new UsageException($"--{name} needs a value");
    }

    public int Integer(string name, int fallback, int min, int max = int.MaxValue)
    {
        if (Text(name) is not string text)
            return fallback;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max)
            return value;
        throw new UsageException($"--{name} {text}: a whole number from {min} to {max} is needed");
    }

    public double Number(string name, double fallback, double min)
    {
        if (Text(name) is not string text)
            return fallback;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && value >= min)
            return value;
        throw new UsageException($"--{name} {text}: a number of at least {min} is needed");
    }

    public string[]? List(string name) =>
        Text(name)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public T Choice<T>(string name, T fallback)
        where T : struct, Enum
    {
        return Text(name) is string text ? ParseChoice<T>(name, text) : fallback;
    }

    public static T ParseChoice<T>(string name, string text)
        where T : struct, Enum
    {
        // Names only: Enum.Parse would take a number as well.
        string? known = Array.Find(Enum.GetNames<T>(), candidate => candidate.Equals(text, StringComparison.OrdinalIgnoreCase));
        string all = string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant();
        return known is not null ? Enum.Parse<T>(known) : throw new UsageException($"--{name} {text}: it is one of {all}");
    }

    public void RequireAllTaken()
    {
        if (_options.Count > 0)
            throw new UsageException($"unknown option: --{_options.Keys.First()}");
    }
}
