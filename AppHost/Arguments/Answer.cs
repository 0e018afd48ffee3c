namespace AppHost.Arguments;

/// <summary>What the AppHost says instead of starting anything.</summary>
internal sealed record Answer(string Text, int ExitCode)
{
    private const string Usage = """
        Starts an etcd cluster, waits until it is healthy and keeps it running until Ctrl+C.

        dotnet run --project AppHost [-- options]

          --members N      1, 3 or 5 members, etcd-0 and so on (default 3)
          --port-base N    client port of the first member; its peer port is N+1, and each further member has the next
                           two (default: clients on 2379, 22379, 32379, 42379, 52379, each peer port one above)
          --fresh          delete the cluster's data first
          --cluster NAME   name of the cluster; its data is in AppHost/.data/NAME (default etcd)
          --no-samples     the cluster alone, without the applications of samples/
          --help           this text

          Etcd:Executable=PATH   start that etcd binary in place of the project
          Section:Key=VALUE      any other configuration of the host

        While it runs: stop, start or restart and a member's name, status, help.
        """;

    public static Answer Help { get; } = new(Usage, 0);

    public static Answer Refusal(string reason) => new($"AppHost: {reason}.{Environment.NewLine}{Environment.NewLine}{Usage}", 2);

    /// <summary>Prints the text, errors to standard error, and returns the exit code.</summary>
    public int Print()
    {
        (ExitCode == 0 ? Console.Out : Console.Error).WriteLine(Text);
        return ExitCode;
    }
}
