using Etcd.Simulation.Runs;
using Xunit.Runner.InProc.SystemConsole;

namespace Etcd.Simulation;

/// <summary>The simulator's command line; what it does not know is xunit's, so that this is a test program too.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (SimulatorCommands.IsFor(args))
        {
            return SimulatorCommands.Run(args);
        }

        return await ConsoleRunner.Run(args);
    }
}
