namespace Etcd.Server.Hosting.Flags;

/// <summary>A flag, its value or its environment variable is wrong; the message says what, for the operator.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="exitCode">What the program ends with: as etcd's, 2 for a flag that cannot be parsed, 1 for all else.</param>
public sealed class FlagException(string message, int exitCode = 1) : Exception(message)
{
    /// <summary>What the program ends with.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>One flag: what it is called, what it means, and how its text becomes a value.</summary>
/// <param name="Name">The name without dashes.</param>
/// <param name="Default">The default as text, for the help.</param>
/// <param name="Help">One line for the help.</param>
/// <param name="Apply">Parses the text and sets the value; throws <see cref="FormatException"/> with the reason.</param>
/// <param name="IsBool">Whether the flag alone means true.</param>
public sealed record Flag<TOptions>(
    string Name, string Default, string Help, Func<TOptions, string, TOptions> Apply, bool IsBool = false)
{
    /// <summary>Its environment variable: <c>listen-client-urls</c> is <c>ETCD_LISTEN_CLIENT_URLS</c>.</summary>
    public string EnvironmentVariable => "ETCD_" + Name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>
/// Command-line parsing by the rules of Go's flag package, which etcd's users know: <c>-f</c> and <c>--f</c> are the same,
/// <c>--f v</c> and <c>--f=v</c> too, a boolean takes its value only with <c>=</c>, <c>--</c> ends the flags, the last of
/// several counts, and a word that is no flag is an error. A flag wins over its environment variable, which wins over the
/// default; empty variables count as absent.
/// </summary>
public sealed class FlagSet<TOptions>(IReadOnlyList<Flag<TOptions>> flags)
{
    private const int UnparsedExitCode = 2;

    private readonly Dictionary<string, Flag<TOptions>> _byName = flags.ToDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>What parsing found besides the options.</summary>
    /// <param name="Options">The options.</param>
    /// <param name="Set">The names of the flags that the command line or the environment set.</param>
    /// <param name="Warnings">What the operator should know: variables that are shadowed or not known.</param>
    public sealed record Result(TOptions Options, IReadOnlySet<string> Set, IReadOnlyList<string> Warnings);

    /// <summary>Parses.</summary>
    /// <param name="options">The defaults.</param>
    /// <param name="arguments">The command line without the program's name.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="words">Receives the words that are no flags; null if there may be none.</param>
    /// <exception cref="FlagException">Something is wrong; nothing was set.</exception>
    public Result Parse(
        TOptions options, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, List<string>? words = null)
    {
        var set = new HashSet<string>(StringComparer.Ordinal);
        var warnings = new List<string>();
        options = ApplyEnvironment(options, arguments, environment, set, warnings);
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--")
            {
                TakeRest(arguments, i + 1, words);
                break;
            }

            if (words is not null && !arguments[i].StartsWith('-'))
            {
                words.Add(arguments[i]);
                continue;
            }

            (Flag<TOptions> flag, string value) = Take(arguments, ref i);
            options = Set(flag, options, value, $"flag -{flag.Name}", UnparsedExitCode);
            set.Add(flag.Name);
        }

        return new Result(options, set, warnings);
    }

    private static void TakeRest(IReadOnlyList<string> arguments, int from, List<string>? words)
    {
        if (from < arguments.Count && words is null)
        {
            throw new FlagException($"'{arguments[from]}' is not a valid flag");
        }

        words?.AddRange(arguments.Skip(from));
    }

    private (Flag<TOptions> Flag, string Value) Take(IReadOnlyList<string> arguments, ref int at)
    {
        string text = arguments[at];
        if (text.Length < 2 || text[0] != '-')
        {
            throw new FlagException($"'{text}' is not a valid flag");
        }

        string body = text.StartsWith("--", StringComparison.Ordinal) ? text[2..] : text[1..];
        int equals = body.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? body : body[..equals];
        if (!_byName.TryGetValue(name, out Flag<TOptions>? flag))
        {
            throw new FlagException($"flag provided but not defined: -{name}", UnparsedExitCode);
        }

        if (equals >= 0)
        {
            return (flag, body[(equals + 1)..]);
        }

        if (flag.IsBool)
        {
            return (flag, "true");
        }

        return ++at < arguments.Count
            ? (flag, arguments[at])
            : throw new FlagException($"flag needs an argument: -{name}", UnparsedExitCode);
    }

    private TOptions ApplyEnvironment(
        TOptions options,
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        HashSet<string> set,
        List<string> warnings)
    {
        foreach (Flag<TOptions> flag in flags)
        {
            if (!environment.TryGetValue(flag.EnvironmentVariable, out string? value) || value.Length == 0)
            {
                continue;
            }

            if (IsGiven(arguments, flag.Name))
            {
                warnings.Add($"environment variable {flag.EnvironmentVariable} is shadowed by the flag --{flag.Name}");
                continue;
            }

            options = Set(flag, options, value, flag.EnvironmentVariable, exitCode: 1);
            set.Add(flag.Name);
        }

        HashSet<string> known = [.. flags.Select(f => f.EnvironmentVariable), "ETCD_VERIFY", "ETCD_UNSUPPORTED_ARCH"];
        warnings.AddRange(environment.Keys
            .Where(name => name.StartsWith("ETCD_", StringComparison.Ordinal) && !known.Contains(name))
            .Order(StringComparer.Ordinal)
            .Select(name => $"unrecognized environment variable {name}"));
        return options;
    }

    private static bool IsGiven(IReadOnlyList<string> arguments, string name) => arguments
        .TakeWhile(a => a != "--")
        .Any(a => a.StartsWith('-') && a.TrimStart('-').Split('=', 2)[0] == name);

    private static TOptions Set(Flag<TOptions> flag, TOptions options, string value, string source, int exitCode)
    {
        try
        {
            return flag.Apply(options, value);
        }
        catch (FormatException e)
        {
            throw new FlagException($"invalid value \"{value}\" for {source}: {e.Message}", exitCode);
        }
    }
}
