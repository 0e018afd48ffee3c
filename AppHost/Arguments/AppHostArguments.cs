using System.Globalization;

namespace AppHost.Arguments;

/// <summary>
/// The command line of the AppHost. Whatever it does not know it refuses, except configuration of the host
/// (<c>Section:Key=value</c>), which is handed on.
/// </summary>
internal sealed record AppHostArguments
{
    public const int DefaultMembers = 3;
    public const string DefaultCluster = "etcd";

    private const int PortMax = 65535;

    /// <summary>How many members the cluster has.</summary>
    public int Members { get; private init; } = DefaultMembers;

    /// <summary>From where on the members' ports are counted, two for each; null for etcd's usual ones.</summary>
    public int? PortBase { get; private init; }

    /// <summary>Name of the cluster, and of the folder that has its data.</summary>
    public string Cluster { get; private init; } = DefaultCluster;

    /// <summary>Delete the cluster's data before it starts.</summary>
    public bool Fresh { get; private init; }

    /// <summary>Start the samples beside the cluster.</summary>
    public bool Samples { get; private init; } = true;

    public string[] HostArguments { get; private init; } = [];

    /// <summary>Set where nothing is to be started: the help text, or what is wrong.</summary>
    public Answer? Answer { get; private init; }

    public static AppHostArguments Parse(IReadOnlyList<string> args)
    {
        var parsed = new AppHostArguments();
        for (var i = 0; i < args.Count && parsed.Answer is null; i++)
        {
            var (name, value) = Split(args[i]);
            parsed = name switch
            {
                "--help" or "-h" or "-?" => parsed with { Answer = Answer.Help },
                "--fresh" when value is null => parsed with { Fresh = true },
                "--no-samples" when value is null => parsed with { Samples = false },
                "--members" => parsed.WithMembers(value ?? Next(args, ref i)),
                "--port-base" => parsed.WithPortBase(value ?? Next(args, ref i)),
                "--cluster" => parsed.WithCluster(value ?? Next(args, ref i)),
                _ when name.Contains(':', StringComparison.Ordinal) =>
                    parsed with { HostArguments = [.. parsed.HostArguments, args[i]] },
                _ => parsed.Refused($"unknown argument '{args[i]}'"),
            };
        }

        return parsed.PortBase + (2 * parsed.Members) - 1 > PortMax && parsed.Answer is null
            ? parsed.Refused($"{parsed.Members} members have no room from --port-base {parsed.PortBase} on: ports end at {PortMax}")
            : parsed;
    }

    private static (string Name, string? Value) Split(string argument)
    {
        var at = argument.IndexOf('=', StringComparison.Ordinal);
        return at < 0 ? (argument, null) : (argument[..at], argument[(at + 1)..]);
    }

    private static string? Next(IReadOnlyList<string> args, ref int i) => i + 1 < args.Count ? args[++i] : null;

    private AppHostArguments WithMembers(string? value) => value switch
    {
        "1" or "3" or "5" => this with { Members = value[0] - '0' },
        _ => Refused($"--members takes 1, 3 or 5, not '{value}'"),
    };

    private AppHostArguments WithPortBase(string? value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or >= PortMax)
        {
            return Refused($"--port-base takes a port from 1 to {PortMax - 1}, not '{value}'");
        }

        return this with { PortBase = port };
    }

    private AppHostArguments WithCluster(string? value)
    {
        // The name becomes a folder, and part of URLs and flags.
        var isName = !string.IsNullOrEmpty(value) && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
        return isName
            ? this with { Cluster = value! }
            : Refused($"--cluster takes a name of letters, digits, '-' and '_', not '{value}'");
    }

    private AppHostArguments Refused(string reason) => this with { Answer = Answer.Refusal(reason) };
}
