using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Client.Tests;

/// <summary>Goal: connection strings, option checks, keys and ranges, and the translation of errors.</summary>
public sealed class OptionsTests
{
    [Fact]
    public void A_connection_string_has_everything_that_options_have()
    {
        EtcdClientOptions options = EtcdClientOptions.Parse(
            "Endpoints=http://a:2379, https://b:2379;Username=app;Password='p;w=1';Namespace=x/;Timeout=2.5;ConnectTimeout=00:00:03;"
            + "RequireLeader=true;ServerName=etcd;KeepAliveInterval=-1;MaxReceiveMessageSize=1000");

        Assert.Equal(["http://a:2379", "https://b:2379"], options.Endpoints);
        Assert.Equal(("app", "p;w=1", "x/"), (options.Username, options.Password, options.Namespace));
        Assert.Equal((TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(3)), (options.Timeout, options.ConnectTimeout));
        Assert.Equal((true, "etcd", Timeout.InfiniteTimeSpan), (options.RequireLeader, options.Tls!.ServerName, options.KeepAliveInterval));
        Assert.Equal(1000, options.MaxReceiveMessageSize);
        Assert.Empty(options.FindProblems());
    }

    [Theory]
    [InlineData("http://a:2379", "http://a:2379/")]
    [InlineData("a:2379", "http://a:2379/")]
    [InlineData("etcd://a:2379", "http://a:2379/")]
    [InlineData("etcds://a:2379", "https://a:2379/")]
    [InlineData("https://[::1]:2379/", "https://[::1]:2379/")]
    [InlineData("unix:///run/etcd.sock", "/run/etcd.sock")]
    [InlineData("unix:/run/etcd.sock", "/run/etcd.sock")]
    [InlineData("unixs://etcd.sock", "etcd.sock")]
    public void Endpoints_are_URIs_or_host_and_port(string text, string expected)
    {
        EtcdClientOptions options = EtcdClientOptions.Parse(text);
        EndpointAddress address = EndpointAddress.Parse(options.Endpoints.Single());

        Assert.Equal(expected, address.SocketPath ?? address.Uri.ToString());
        Assert.Empty(options.FindProblems());
    }

    [Fact]
    public void A_URI_may_bring_user_and_password()
    {
        EtcdClientOptions options = EtcdClientOptions.Parse("etcd://app:p%40ss@a:2379,etcd://b:2379");

        Assert.Equal(["etcd://a:2379/", "etcd://b:2379"], options.Endpoints);
        Assert.Equal(("app", "p@ss"), (options.Username, options.Password));
    }

    [Theory]
    [InlineData("Endpoints=http://a;Pasword=secret")]
    [InlineData("Endpoints=http://a;Timeout=secret")]
    [InlineData("Endpoints=http://a;RequireLeader=secret")]
    public void What_does_not_fit_is_named_without_its_value(string text)
    {
        string message = Assert.Throws<FormatException>(() => EtcdClientOptions.Parse(text)).Message;

        Assert.Contains(text.Split(';')[1].Split('=')[0], message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        var options = new EtcdClientOptions
        {
            Endpoints = { "ftp://a", "http://a/path" },
            Username = "app",
            Token = "t",
            Timeout = TimeSpan.Zero,
            KeepAliveInterval = TimeSpan.FromMilliseconds(1),
            WatchBufferEvents = 0,
            Retry = { MaxRetries = -1, BaseDelay = TimeSpan.FromSeconds(2) },
            Tls = new EtcdTlsOptions { CaFile = "/does/not/exist", CertFile = "/neither" },
        };

        Assert.Equal(12, options.FindProblems().Count);
        Assert.Throws<ArgumentException>(() => new EtcdClient(options));
        Assert.Throws<ArgumentException>(() => new EtcdClient(new EtcdClientOptions()));
    }

    [Fact]
    public void Ranges_are_as_etcd_encodes_them()
    {
        Assert.Equal(("a/", "a0"), (EtcdRange.Prefix("a/").Start.ToString(), EtcdRange.Prefix("a/").End.ToString()));
        Assert.Equal([0x62], EtcdRange.Prefix(new byte[] { 0x61, 0xff, 0xff }).End.Memory.ToArray());
        Assert.True(EtcdRange.Prefix(new byte[] { 0xff }).IsOpen);
        Assert.Equal(EtcdRange.All, EtcdRange.Prefix(""));
        Assert.True(EtcdRange.Prefix("a").Contains("ab"));
        Assert.False(EtcdRange.Prefix("a").Contains("b"));
        Assert.False(EtcdRange.Single("a").Contains("ab"));
        Assert.Equal("n/b", EtcdRange.Between("a", "b").Below("n/").End.ToString());
        Assert.Equal("n0", EtcdRange.From("a").Below("n/").End.ToString());
        Assert.Throws<System.Text.EncoderFallbackException>(() => new EtcdKey("\ud800"));
    }

    [Fact]
    public void Every_error_of_the_table_keeps_its_code_and_id()
    {
        foreach (EtcdError error in EtcdErrors.All)
        {
            EtcdException mapped = ErrorMapper.Map(new RpcException(error.ToStatus()), "e", changes: true);
            EtcdException reason = ErrorMapper.FromReason(error.StatusText, "e");

            Assert.Equal((error.Code, (EtcdErrorId?)error.Id, error.Text), (mapped.Code, mapped.ErrorId, mapped.Message));
            Assert.Equal(error.Id, reason.ErrorId);
            Assert.True(error.Code != StatusCode.Unavailable || mapped.IsTransient);
        }
    }

    [Theory]
    [InlineData(EtcdErrorId.Timeout, nameof(RetryAdvice.IfRepeatable), true)]
    [InlineData(EtcdErrorId.LeaderChanged, nameof(RetryAdvice.IfRepeatable), true)]
    [InlineData(EtcdErrorId.NoLeader, nameof(RetryAdvice.Always), false)]
    [InlineData(EtcdErrorId.NotSupportedForLearner, nameof(RetryAdvice.Always), false)]
    [InlineData(EtcdErrorId.InvalidAuthToken, nameof(RetryAdvice.WithNewToken), false)]
    [InlineData(EtcdErrorId.AuthOldRevision, nameof(RetryAdvice.WithNewToken), false)]
    [InlineData(EtcdErrorId.TooManyRequests, nameof(RetryAdvice.No), false)]
    [InlineData(EtcdErrorId.Compacted, nameof(RetryAdvice.No), false)]
    public void Errors_say_whether_a_write_may_be_repeated(EtcdErrorId id, string advice, bool outcomeUnknown)
    {
        EtcdError error = EtcdErrors.All.Single(e => e.Id == id);
        EtcdException mapped = ErrorMapper.FromTable(error, null, null, changes: true);

        Assert.Equal((advice, outcomeUnknown), (mapped.Advice.ToString(), mapped.OutcomeUnknown));
    }
}
