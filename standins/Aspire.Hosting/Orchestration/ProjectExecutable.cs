using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// Finds the built executable of a project. The AppHost's build writes down where the projects that it refers to were built to;
/// any other project is built, and asked, when it starts.
/// </summary>
internal sealed class ProjectExecutable(AppHostInfo appHost)
{
    /// <summary>Key of the assembly metadata, followed by the full path of the project.</summary>
    public const string OutputKey = "apphostprojectoutput:";

    public async Task<(string Command, string[] Arguments)> FindAsync(
        IProjectMetadata project, Action<string> buildFailed, CancellationToken cancellationToken)
    {
        var assembly = KnownOutput(project.ProjectPath)
            ?? await BuildAsync(project, buildFailed, cancellationToken).ConfigureAwait(false);
        var host = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        if (File.Exists(host))
        {
            return (host, []);
        }

        return File.Exists(assembly)
            ? ("dotnet", [assembly])
            : throw new DistributedApplicationException(
                $"The project '{project.ProjectPath}' is not built: '{assembly}' does not exist. Run: dotnet build \"{project.ProjectPath}\"");
    }

    private string? KnownOutput(string projectPath) => appHost.Assembly?
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(a => a.Key == OutputKey + projectPath)?.Value;

    private static async Task<string> BuildAsync(
        IProjectMetadata project, Action<string> buildFailed, CancellationToken cancellationToken)
    {
        string[] arguments = project.SuppressBuild
            ? ["msbuild", project.ProjectPath, "-nologo", "-getProperty:TargetPath", "-getProperty:TargetName"]
            : ["build", project.ProjectPath, "-nologo", "-v:q", "-getProperty:TargetPath", "-getProperty:TargetName"];
        using var build = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = Path.GetDirectoryName(project.ProjectPath)!,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = build.StandardError.ReadToEndAsync(cancellationToken);
        var output = await build.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await build.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (build.ExitCode != 0)
        {
            buildFailed(output + await error.ConfigureAwait(false));
            throw new DistributedApplicationException($"Building the project '{project.ProjectPath}' failed.");
        }

        using var properties = JsonDocument.Parse(output);
        return properties.RootElement.GetProperty("Properties").GetProperty("TargetPath").GetString()!;
    }
}
