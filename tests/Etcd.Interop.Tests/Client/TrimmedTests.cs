using System.Diagnostics;
using Etcd.TestKit;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client;

/// <summary>
/// Goal: what uses the client can be published trimmed, without a warning, and works. Method: the sample is published, self-contained, in a
/// folder of its own, and run. It takes a minute: <c>-p:RunSettingsFilePath= --filter TrimmedTests</c>.
/// </summary>
public sealed class TrimmedTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(9);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_trimmed_program_works()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it is published for linux-x64");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("etcd-trimmed-");
        try
        {
            string program = Path.Combine(folder.FullName, "out", "Etcd.Client.Trimmed");
            (int code, string output) = await RunAsync(
                "dotnet",
                "publish", Path.Combine(Repository.Root, "tests", "Etcd.Client.Trimmed"),
                "-c", "Release", "-r", "linux-x64", "--self-contained", "-v", "q",
                "--artifacts-path", Path.Combine(folder.FullName, "artifacts"), "-o", Path.GetDirectoryName(program)!);
            Assert.True(code == 0, output);
            Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);

            await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
            (code, output) = await RunAsync(program, server.ClientUrl);

            Assert.Equal((0, "Point { X = 3, Y = 4 } False\n{\"X\":3,\"Y\":4}\nHealthy\n"), (code, output));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        string output = await process.StandardOutput.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, output);
    }
}
