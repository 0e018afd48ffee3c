using Xunit;

namespace Etcd.TestKit.Processes;

/// <summary>
/// The real etcd's programs, which this project is compared with: in the folder that ETCD_REFERENCE names, or where
/// .ci/get-etcd puts them. Tests that need them call <see cref="Require"/> first.
/// </summary>
public static class RealEtcd
{
    private const string Missing = "the real etcd is missing: run .ci/get-etcd";

    /// <summary>The folder in which the programs are, or would be.</summary>
    public static string Folder =>
        Environment.GetEnvironmentVariable("ETCD_REFERENCE") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "etcd-reference");

    /// <summary>The server.</summary>
    public static string Server => Tool("etcd");

    /// <summary>The command line client.</summary>
    public static string Ctl => Tool("etcdctl");

    /// <summary>The tool for data folders.</summary>
    public static string Util => Tool("etcdutl");

    /// <summary>Whether all three are there.</summary>
    public static bool IsPresent => File.Exists(Server) && File.Exists(Ctl) && File.Exists(Util);

    /// <summary>Where the programs are absent, ends the calling test: skipped, or failed if ETCD_INTEROP is "required".</summary>
    public static void Require()
    {
        if (IsPresent)
        {
            return;
        }

        Assert.SkipUnless(Environment.GetEnvironmentVariable("ETCD_INTEROP") == "required", Missing);
        Assert.Fail(Missing);
    }

    private static string Tool(string name) => Path.Combine(Folder, OperatingSystem.IsWindows() ? name + ".exe" : name);
}
