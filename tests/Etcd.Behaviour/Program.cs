using Etcd.Behaviour.Fuzz;
using Xunit.Runner.InProc.SystemConsole;

namespace Etcd.Behaviour;

/// <summary>The command line of the comparison; what it does not know is xunit's, so that this is a test program too.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (FuzzCommands.IsFor(args))
        {
            return await FuzzCommands.RunAsync(args);
        }

        return await ConsoleRunner.Run(args);
    }
}
