using Etcd.Server.Api.Metrics;

namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// etcd's feature gates (--feature-gates=Name=true,Other=false). Some can be set; the others name what this server does always or
/// never, and are locked to that: to ask for the opposite is an error, as etcd has it for its own locked gates.
/// </summary>
internal static class FeatureGates
{
    /// <summary>Compare the data with the other members' before clients are served.</summary>
    public const string InitialCorruptCheck = "InitialCorruptCheck";

    /// <summary>Compare the hashes of compactions with the other members'.</summary>
    public const string CompactHashCheck = "CompactHashCheck";

    private static readonly string[] Beta = ["TxnModeWriteWithSharedBuffer", "FastLeaseKeepAlive"];

    private static readonly Dictionary<string, bool> Locked = new(StringComparer.Ordinal)
    {
        // Defragmentation stops nothing here.
        ["StopGRPCServiceOnDefrag"] = false,
        ["TxnModeWriteWithSharedBuffer"] = true,
        ["LeaseCheckpoint"] = true,
        ["LeaseCheckpointPersist"] = true,
        ["SetMemberLocalAddr"] = false,
        // A renewal waits until what was committed before it is applied.
        ["FastLeaseKeepAlive"] = false,
        ["PriorityRequest"] = false,
    };

    /// <summary>Sets what a list of gates says.</summary>
    /// <param name="options">The options.</param>
    /// <param name="list">The list.</param>
    /// <exception cref="FormatException">It is none, or asks for what there is not.</exception>
    public static ServerOptions Apply(ServerOptions options, string list)
    {
        foreach (string pair in list.Split(',').Where(p => p.Length > 0))
        {
            string[] parts = pair.Split('=', 2);
            string name = parts[0].Trim();
            if (parts.Length < 2)
            {
                throw new FormatException($"missing bool value for {name}");
            }

            options = Apply(options, name, Bool(name, parts[1].Trim()));
        }

        return options;
    }

    /// <summary>What metrics show: every gate, by name.</summary>
    /// <param name="options">The options.</param>
    public static IReadOnlyList<FeatureFigure> Figures(ServerOptions options) =>
    [
        .. Locked
            .Append(new(InitialCorruptCheck, options.InitialCorruptCheck))
            .Append(new(CompactHashCheck, options.CompactHashCheck))
            .OrderBy(gate => gate.Key, StringComparer.Ordinal)
            .Select(gate => new FeatureFigure(gate.Key, Beta.Contains(gate.Key) ? "BETA" : "ALPHA", gate.Value)),
    ];

    private static ServerOptions Apply(ServerOptions options, string name, bool value)
    {
        if (Locked.TryGetValue(name, out bool locked) && locked != value)
        {
            throw new FormatException($"cannot set feature gate {name} to {Text(value)}, feature is locked to {Text(locked)}");
        }

        return name switch
        {
            InitialCorruptCheck => options with { InitialCorruptCheck = value },
            CompactHashCheck => options with { CompactHashCheck = value },
            _ when Locked.ContainsKey(name) => options,
            _ => throw new FormatException($"unrecognized feature gate: {name}"),
        };
    }

    private static bool Bool(string name, string text)
    {
        try
        {
            return ServerFlags.Bool(text);
        }
        catch (FormatException)
        {
            throw new FormatException($"invalid value of {name}={text}, err: strconv.ParseBool: parsing \"{text}\": invalid syntax");
        }
    }

    private static string Text(bool value) => value ? "true" : "false";
}
