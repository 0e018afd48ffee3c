using Etcd.Bench.Load;

namespace Etcd.Bench;

/// <summary>The options that <c>load</c> and <c>compare</c> share.</summary>
internal static class LoadArguments
{
    // Keys are decimal digits: more keys than this would not fit into the least key size.
    private const int KeySpaceMax = 100_000_000;
    private const int KeyBytesMin = 8;
    private const int ValueBytesMax = 1_048_576;

    public static LoadOptions Take(CommandLine arguments, LoadOptions defaults) => defaults with
    {
        Connections = arguments.Integer("conns", defaults.Connections, 1),
        Threads = arguments.Integer("threads", defaults.Threads, 1, 64),
        Duration = TimeSpan.FromSeconds(arguments.Number("seconds", defaults.Duration.TotalSeconds, 0.1)),
        Ramp = TimeSpan.FromSeconds(arguments.Number("ramp", defaults.Ramp.TotalSeconds, 0)),
        KeyBytes = arguments.Integer("key-size", defaults.KeyBytes, KeyBytesMin, 1024),
        ValueBytes = arguments.Integer("value-size", defaults.ValueBytes, 0, ValueBytesMax),
        KeySpace = arguments.Integer("key-space", (int)defaults.KeySpace, 1, KeySpaceMax),
        KeyOrder = arguments.Choice("keys", defaults.KeyOrder),
        Seed = (ulong)arguments.Integer("seed", (int)defaults.Seed, 0),
    };

    /// <summary>The load that puts each key of the key space once.</summary>
    public static LoadOptions ForPreload(this LoadOptions options) => options with
    {
        Workload = WorkloadKind.Put,
        KeyOrder = KeyOrder.Sequential,
        CallsMax = options.KeySpace,
        Clients = 500,
        Rate = 0,
    };
}
