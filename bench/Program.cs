using System.Runtime.InteropServices;
using Etcd.Bench;
using Etcd.Bench.Load;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnStop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnStop);
try
{
    return await RunAsync(args);
}
catch (UsageException exception)
{
    Console.Error.WriteLine($"{exception.Message}\nTry --help.");
    return 2;
}
catch (LoadFailedException exception)
{
    Console.Error.WriteLine($"The load failed: {exception.Message}");
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}

async Task<int> RunAsync(string[] arguments)
{
    if (arguments.Length == 0 || arguments.Contains("--help") || arguments[0] == "help")
    {
        Console.WriteLine(Help.Text);
        return 0;
    }
    if (!OperatingSystem.IsLinux())
        throw new UsageException("The bench needs Linux: it stands on epoll and /proc.");
    var options = new CommandLine(arguments.AsSpan(1));
    return arguments[0] switch
    {
        "load" => LoadCommand.Run(options, stop.Token),
        "sdk" => await SdkCommand.RunAsync(options, string.Join(' ', arguments), stop.Token),
        "test-server" => await TestServerCommand.RunAsync(options, stop.Token),
        "raft" => RaftCommand.Run(options, stop.Token),
        "store" => StoreCommand.Run(options, string.Join(' ', arguments), stop.Token),
        "failover" => FailoverCommand.Run(options, string.Join(' ', arguments), stop.Token),
        "watch" => WatchCommand.Run(options, string.Join(' ', arguments), stop.Token),
        "compare" => CompareCommand.Run(options, string.Join(' ', arguments), stop.Token),
        _ => throw new UsageException($"unknown command: {arguments[0]}"),
    };
}

void OnStop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
