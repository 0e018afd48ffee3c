namespace Etcd.Bench.Compare;

/// <summary>Finds the real etcd.</summary>
internal static class EtcdReference
{
    public static string Executable()
    {
        string? configured = Environment.GetEnvironmentVariable("ETCD_REFERENCE");
        string folder = string.IsNullOrEmpty(configured)
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "etcd-reference")
            : configured;
        string path = Path.Combine(folder, "etcd");
        return File.Exists(path)
            ? path
            : throw new UsageException($"The real etcd is not at {path}. Run .ci/get-etcd, set ETCD_REFERENCE, or give --ours-only.");
    }
}
