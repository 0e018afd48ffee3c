namespace Etcd.TestKit.Processes;

/// <summary>What a program that has ended left behind.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Stdout">All it wrote to stdout.</param>
/// <param name="Stderr">All it wrote to stderr.</param>
public sealed record CommandResult(int ExitCode, string Stdout, string Stderr)
{
    /// <summary>Both outputs, for substrings.</summary>
    public string Output => Stdout + Stderr;

    public override string ToString() => $"exit code {ExitCode}\nstdout:\n{Stdout}\nstderr:\n{Stderr}";
}
