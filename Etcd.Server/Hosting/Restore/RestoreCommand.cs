using System.Text;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Restore;

/// <summary>
/// <c>Etcd.Server snapshot restore FILE --data-dir ...</c>, as <c>etcdutl snapshot restore</c>. Exit codes are etcdutl's: 0, 1 if it
/// does not work, 128 for arguments that do not go together.
/// </summary>
internal static class RestoreCommand
{
    private const int Failure = 1;
    private const int BadArguments = 128;

    /// <summary>Whether a command line is for this command.</summary>
    /// <param name="arguments">The command line.</param>
    public static bool IsMeant(IReadOnlyList<string> arguments) => arguments is ["snapshot", ..];

    /// <summary>Runs.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="files">The disk.</param>
    /// <param name="log">Where it is told what happens.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, IFileSystem files, ILogger log)
    {
        if (arguments.Any(a => a is "--help" or "-help" or "-h" or "--h"))
        {
            Console.Write(Help());
            return 0;
        }

        if (arguments is not ["snapshot", "restore", ..])
        {
            return End($"unknown command \"{string.Join(' ', arguments.Take(2))}\": snapshot restore is the one that there is", Failure);
        }

        try
        {
            RestoreOptions options = Parse([.. arguments.Skip(2)]);
            SnapshotRestore.Run(options, files, log);
            return 0;
        }
        catch (FlagException e)
        {
            return End(e.Message, e.ExitCode);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or FormatException or UnauthorizedAccessException)
        {
            return End(e.Message, Failure);
        }
    }

    private static RestoreOptions Parse(IReadOnlyList<string> arguments)
    {
        var words = new List<string>();
        var none = new Dictionary<string, string>();
        RestoreOptions options = new FlagSet<RestoreOptions>(RestoreOptions.Flags).Parse(new(), arguments, none, words).Options;
        if (words.Count != 1)
        {
            throw new FlagException("snapshot restore requires exactly one argument", BadArguments);
        }

        if ((options.BumpRevision > 0) != options.MarkCompacted)
        {
            throw new FlagException("--mark-compacted required if --revision-bump > 0", BadArguments);
        }

        return options with { File = words[0] };
    }

    private static int End(string message, int exitCode)
    {
        Console.Error.WriteLine("Error: " + message);
        return exitCode;
    }

    private static string Help()
    {
        var help = new StringBuilder("Usage: Etcd.Server snapshot restore FILE --data-dir DIR [flags]\n\n");
        help.Append("Makes the data folder of a member of a new cluster from a snapshot of this server or of etcd.\n\n");
        foreach (Flag<RestoreOptions> flag in RestoreOptions.Flags)
        {
            help.Append("  --").Append(flag.Name).Append(" '").Append(flag.Default).Append("'\n    ").Append(flag.Help).Append('\n');
        }

        return help.ToString();
    }
}
