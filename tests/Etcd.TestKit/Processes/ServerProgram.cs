namespace Etcd.TestKit.Processes;

/// <summary>A program that can stand in etcd's place.</summary>
/// <param name="Name">What test output calls it.</param>
/// <param name="Executable">Its file, run without any wrapper, so that signals reach the server itself.</param>
public sealed record ServerProgram(string Name, string Executable)
{
    private static readonly string[] Experimental = ["--watch-progress-notify-interval", "--snapshot-catchup-entries"];

    /// <summary>The real etcd.</summary>
    public static ServerProgram Real { get; } = new("etcd", RealEtcd.Server);

    /// <summary>This project's server, as the build put it beside the tests that reference it.</summary>
    public static ServerProgram Ours { get; } = new(
        "ours", Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Etcd.Server.exe" : "Etcd.Server"));

    /// <summary>
    /// What a comparison with the real etcd tests: ours, or where ETCD_COMPARE says "self" the real etcd too, which shows
    /// that the comparison itself is sound.
    /// </summary>
    public static ServerProgram Tested { get; } = Environment.GetEnvironmentVariable("ETCD_COMPARE") == "self" ? Real : Ours;

    /// <summary>
    /// The flag as this program calls it: 3.5 has some of 3.7's flags under an <c>--experimental-</c> name only.
    /// </summary>
    public string Flag(string flag) =>
        this == Real && Experimental.Any(f => flag.StartsWith(f, StringComparison.Ordinal))
            ? "--experimental-" + flag[2..]
            : flag;
}
