namespace AppHost.Arguments;

/// <summary>What the AppHost says instead of starting anything.</summary>
internal sealed record Answer(string Text, int ExitCode)
{
    private const string Usage = """
        Starts an etcd cluster, waits until it is healthy and keeps it running until Ctrl+C.

        dotnet run --project AppHost [-- options]

          --port-base N    client port of the first member; its peer port is N+1 (default 2379)
          --fresh          delete the cluster's data first
          --cluster NAME   name of the cluster; its data is in AppHost/.data/NAME (default etcd)
          --help           this text

          Etcd:Executable=PATH   start that etcd binary in place of the project
          Section:Key=VALUE      any other configuration of the host
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
