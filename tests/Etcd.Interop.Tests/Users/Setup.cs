using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Users;

/// <summary>Users by etcdctl, and what each may do.</summary>
internal static class Setup
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Root with "toor"; alice with "pw", who may read and write below "app/"; authentication is on. And a key that is nobody's.</summary>
    public static async Task WriteAsync(string endpoint)
    {
        foreach (string line in new[]
        {
            "put secret s", "put app/k v", "user add root:toor", "user grant-role root root", "user add alice:pw", "user add certified --no-password", "role add app",
            "role grant-permission app readwrite app/ app0", "role grant-permission app read shared", "user grant-role alice app", "auth enable",
        })
        {
            await OkAsync(endpoint, line);
        }
    }

    /// <summary>All that was set up counts there.</summary>
    public static async Task RequireAsync(string endpoint)
    {
        Assert.Contains("etcdserver: user name is empty", await FailsAsync(endpoint, "get app/k"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: authentication failed, invalid user ID or password", await FailsAsync(endpoint, "--user alice:wrong get app/k"), StringComparison.Ordinal);
        Assert.Equal("app/k\nv\n", await OkAsync(endpoint, "--user alice:pw get app/k"));
        Assert.Equal("OK\n", await OkAsync(endpoint, "--user alice:pw put app/other x"));
        Assert.Contains("etcdserver: permission denied", await FailsAsync(endpoint, "--user alice:pw get secret"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: permission denied", await FailsAsync(endpoint, "--user alice:pw put shared x"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: permission denied", await FailsAsync(endpoint, "--user alice:pw user list"), StringComparison.Ordinal);
        Assert.Equal("alice\ncertified\nroot\n", await OkAsync(endpoint, "--user root:toor user list"));
        Assert.Equal("secret\ns\n", await OkAsync(endpoint, "--user root:toor get secret"));
        Assert.Equal(
            "Role app\nKV Read:\n\t[app/, app0) (prefix app/)\n\tshared\nKV Write:\n\t[app/, app0) (prefix app/)\n",
            await OkAsync(endpoint, "--user root:toor role get app"));
    }

    public static async Task<string> OkAsync(string endpoint, string line)
    {
        CommandResult result = await EtcdCtl.RunAsync(endpoint, line.Split(' '), Token);
        Assert.True(result.ExitCode == 0, $"{line}: {result}");
        return result.Stdout;
    }

    public static async Task<string> FailsAsync(string endpoint, string line)
    {
        CommandResult result = await EtcdCtl.RunAsync(endpoint, line.Split(' '), Token);
        Assert.True(result.ExitCode != 0, $"{line}: {result}");
        return result.Output;
    }
}
