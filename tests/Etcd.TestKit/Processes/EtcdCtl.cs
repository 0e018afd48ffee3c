namespace Etcd.TestKit.Processes;

/// <summary>The real etcdctl as a process. Its limits of time are set for a busy machine.</summary>
public static class EtcdCtl
{
    private const string Long = "50s";

    /// <summary>Runs a command to its end.</summary>
    /// <param name="endpoint">The member, as etcdctl's --endpoints takes it.</param>
    /// <param name="arguments">The command and its arguments.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <param name="input">What it reads from stdin.</param>
    /// <param name="timeout">How long it tries. It refuses a command line that says so too.</param>
    public static Task<CommandResult> RunAsync(
        string endpoint, IEnumerable<string> arguments, CancellationToken cancellation, string input = "", string timeout = Long) =>
        CapturedProcess.RunAsync(RealEtcd.Ctl, ["--endpoints", endpoint, .. arguments], Environment(timeout), input, cancellation: cancellation);

    /// <summary>Starts a command that ends when told to, such as a watch.</summary>
    public static CapturedProcess Start(string endpoint, params IEnumerable<string> arguments) =>
        CapturedProcess.Start(RealEtcd.Ctl, ["--endpoints", endpoint, .. arguments], Environment(Long));

    /// <summary>Starts a command that goes on to read from stdin (<see cref="CapturedProcess.Write"/>).</summary>
    public static CapturedProcess StartReading(string endpoint, params IEnumerable<string> arguments) =>
        CapturedProcess.Start(RealEtcd.Ctl, ["--endpoints", endpoint, .. arguments], Environment(Long), keepsInput: true);

    private static Dictionary<string, string> Environment(string timeout) => new()
    {
        ["ETCDCTL_API"] = "3",
        ["ETCDCTL_DIAL_TIMEOUT"] = timeout,
        ["ETCDCTL_COMMAND_TIMEOUT"] = timeout,
    };
}
