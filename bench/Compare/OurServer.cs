using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Etcd.Bench.Compare;

/// <summary>
/// Builds our server the way it would be shipped: Release, with ReadyToRun code where its compiler can be restored.
/// The output has a folder of its own, so that the repository's bin and obj folders stay as they are.
/// </summary>
internal static class OurServer
{
    private const string ProjectName = "Etcd.Server";
    private const int LinesShownMax = 30;

    public static string Build(CancellationToken cancellationToken)
    {
        string output = Path.Combine(Repository.Root, "artifacts", "bench", "server");
        string[] common = ["publish", Path.Combine(Repository.Root, ProjectName), "-c", "Release", "-v", "q", "-nologo",
            "--artifacts-path", Path.Combine(Repository.Root, "artifacts", "bench", "build"), "-o", output];
        string[] readyToRun = ["-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "false", "-p:PublishReadyToRun=true"];
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        Console.WriteLine($"Publishing {ProjectName} ...");
        if (Dotnet([.. common, .. readyToRun], cancellationToken) is string withReadyToRun)
        {
            Console.WriteLine("ReadyToRun publish failed; publishing without it.");
            if (Dotnet(common, cancellationToken) is string plain)
                throw new UsageException($"{ProjectName} does not build:\n{withReadyToRun}\n{plain}");
        }
        return FindExecutable(output);
    }

    // The assembly need not be called like its project: the executable is the file beside its runtimeconfig.
    private static string FindExecutable(string output)
    {
        const string suffix = ".runtimeconfig.json";
        string? config = Directory.EnumerateFiles(output, "*" + suffix).FirstOrDefault();
        string? path = config?[..^suffix.Length];
        return path is not null && File.Exists(path)
            ? path
            : throw new UsageException($"{ProjectName} has no executable in {output}");
    }

    // The end of the output where it failed, otherwise null.
    private static string? Dotnet(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true } };
        process.Start();
        using CancellationTokenRegistration stop = cancellationToken.Register(() => process.Kill(entireProcessTree: true));
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellationToken.ThrowIfCancellationRequested();
        return process.ExitCode == 0 ? null : string.Join('\n', text.Split('\n').TakeLast(LinesShownMax));
    }
}
