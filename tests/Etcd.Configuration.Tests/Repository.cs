namespace Etcd.Configuration.Tests;

/// <summary>Where the sources are.</summary>
internal static class Repository
{
    public static string Root
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Etcd.Aspire.sln")))
            {
                folder = Path.GetDirectoryName(folder);
            }

            return folder ?? throw new InvalidOperationException("the tests do not run inside of the repository");
        }
    }
}
