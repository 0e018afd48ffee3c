using System.Text;
using Etcd.Configuration.Tests.Suites;
using Etcd.TestKit.Network;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: an application starts with the last good settings while etcd is down, and with no others.</summary>
public sealed class LastKnownGoodTests(OurEtcd etcd) : ConfigurationSuite, IClassFixture<OurEtcd>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("etcd-good-").FullName;

    protected override string Url => etcd.Url;

    private string File => Path.Combine(_folder, "deeper", "settings.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_file_has_the_settings_and_only_its_owner_may_read_it()
    {
        await PutAsync("Password", "hunter2");
        Start();

        Assert.Contains("hunter2", await System.IO.File.ReadAllTextAsync(File, Token), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        }

        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(File)!));
    }

    [Fact]
    public async Task An_application_starts_with_it_while_etcd_is_down_and_goes_on_from_etcd()
    {
        await PutTogetherAsync(("Color", "blue"), ("Size", "1"));
        await ProviderOf(Start()).DisposeAsync();
        long revision = await PutAsync("Color", "red");
        await using FaultProxy proxy = NewProxy();
        await proxy.RefuseAsync();
        var told = new List<EtcdLoadExceptionContext>();

        IConfigurationRoot root = Start(
            source =>
            {
                source.LoadTimeout = TimeSpan.FromMilliseconds(300);
                source.OnLoadException = told.Add;
                source.OnWatchException = _ => TimeSpan.FromMilliseconds(20);
            },
            proxy.Url);

        Assert.Equal(("blue", "1"), (root["color"], root["Size"]));
        EtcdConfigurationStatus status = ProviderOf(root).Status;
        Assert.Equal((EtcdConfigurationOrigin.LastKnownGoodFile, 2), (status.Origin, status.Count));
        Assert.InRange(status.Revision, 1, revision - 1);
        Assert.Null(status.Age);
        Assert.NotNull(status.Problem);
        Assert.True(Assert.Single(told) is { Ignore: true, IsReload: false });

        proxy.Accept();
        await UntilAsync(() => root["Color"] == "red");
        Assert.Equal(EtcdConfigurationOrigin.Etcd, ProviderOf(root).Status.Origin);
    }

    [Fact]
    public async Task It_takes_the_place_of_a_value_that_cannot_be_read()
    {
        await PutAsync("Color", "\"blue\"");
        await ProviderOf(Start(format: EtcdValueFormat.Json)).DisposeAsync();
        await PutAsync("Color", "{");

        IConfigurationRoot root = Start(format: EtcdValueFormat.Json);
        Assert.Equal("blue", root["Color"]);
        Assert.Equal(EtcdConfigurationOrigin.LastKnownGoodFile, ProviderOf(root).Status.Origin);

        await PutAsync("Color", "\"red\"");
        await UntilAsync(() => root["Color"] == "red");
    }

    [Fact]
    public async Task It_follows_the_settings()
    {
        await PutAsync("Color", "blue");
        IConfigurationRoot root = Start();

        await PutAsync("Color", "red");
        await UntilAsync(() => root["Color"] == "red");

        await UntilAsync(() => System.IO.File.ReadAllText(File).Contains("red", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ torn")]
    [InlineData("[]")]
    [InlineData("""{"format":2,"selection":"","revision":1,"savedAt":"2026-01-01T00:00:00Z","settings":{"Color":"blue"}}""")]
    [InlineData("""{"format":1,"selection":"other keys","revision":1,"savedAt":"2026-01-01T00:00:00Z","settings":{"Color":"blue"}}""")]
    public async Task A_file_that_is_damaged_or_of_other_keys_is_not_used(string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await System.IO.File.WriteAllBytesAsync(File, Encoding.UTF8.GetBytes(content), Token);
        var log = new LogLines();

        Assert.Throws<EtcdConfigurationException>(() => Start(
            source =>
            {
                source.LoadTimeout = TimeSpan.FromMilliseconds(300);
                source.LoggerFactory = log;
            },
            $"http://127.0.0.1:{TestKit.Processes.FreePorts.Take()}"));

        Assert.Contains(log.All, line => line.StartsWith("Warning: The last known good settings", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_said_and_stops_nothing()
    {
        await PutAsync("Color", "blue");
        await System.IO.File.WriteAllTextAsync(Path.Combine(_folder, "deeper"), "a file where the folder should be", Token);
        var log = new LogLines();

        IConfigurationRoot root = Start(source => source.LoggerFactory = log);

        Assert.Equal("blue", root["Color"]);
        Assert.Contains(log.All, line => line.StartsWith("Warning: The last known good settings could not be written", StringComparison.Ordinal));
    }

    private IConfigurationRoot Start(
        Action<EtcdConfigurationSource>? configure = null, string? url = null, EtcdValueFormat format = EtcdValueFormat.Raw) => Build(
        source =>
        {
            source.AddPrefix(Prefix, format);
            source.ReloadOnChange = true;
            source.LastKnownGoodFile = File;
            configure?.Invoke(source);
        },
        url);
}
